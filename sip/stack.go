package sip

import (
	"bytes"
	"strings"
)

// functions takes the function names out of a stack trace, without their
// arguments.
func functions(stack []byte) []string {
	const most = 12
	var names []string
	for line := range bytes.Lines(stack) {
		text := strings.TrimSpace(string(line))
		if line[0] == '\t' || strings.HasPrefix(text, "goroutine ") || text == "" {
			continue
		}
		if i := strings.LastIndexByte(text, '('); i > 0 {
			text = text[:i]
		}
		if names = append(names, text); len(names) == most {
			break
		}
	}
	return names
}
