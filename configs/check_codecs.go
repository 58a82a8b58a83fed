package configs

import (
	"slices"
	"strings"
)

// codecs checks the list of what passes in session descriptions.
func (c *checker) codecs(codecs []string, path string) {
	sound := len(codecs) == 0
	for i, codec := range codecs {
		name, clock, hasClock := strings.Cut(codec, "/")
		switch {
		case name == "" || strings.Trim(name, letterChars+"0123456789-_.+") != "", hasClock && (clock == "" || strings.Trim(clock, "0123456789/") != ""):
			c.fault(entry(path, i), "is no codec; expected a name such as PCMA or G722/8000")
			continue
		case slices.ContainsFunc(codecs[:i], func(earlier string) bool { return strings.EqualFold(earlier, codec) }):
			c.fault(entry(path, i), "is in the list already; expected it once")
		}
		sound = sound || !strings.EqualFold(name, "telephone-event") && !strings.EqualFold(name, "CN")
	}
	if !sound {
		c.fault(path, "holds nothing to speak with, so every call would be refused; expected a codec for speech")
	}
}
