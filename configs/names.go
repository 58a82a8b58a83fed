package configs

import "strings"

const (
	lowerChars  = "abcdefghijklmnopqrstuvwxyz"
	letterChars = lowerChars + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digitChars  = "0123456789"
)

// Name names a thing of the configuration, and is a metric label: letters,
// digits, dot, dash and underscore, and at least one letter, so that it is
// never a number.
type Name string

func parseName(text string) (Name, error) {
	const maxLen = 63
	switch {
	case len(text) > maxLen:
		return "", wrong("is longer than 63 characters")
	case strings.Trim(text, letterChars+digitChars+"._-") != "" || strings.ContainsAny(text[:min(1, len(text))], "._-"):
		return "", wrong("is not a name")
	case !strings.ContainsAny(text, letterChars):
		return "", wrong("holds no letter")
	}
	return Name(text), nil
}

// IsName reports whether a text has the form of a Name.
func IsName(text string) bool {
	_, err := parseName(text)
	return err == nil
}

// Path is a file or folder. A relative one starts at the folder of the
// configuration file; in a Config it is already joined with it.
type Path string

func parsePath(text string) (Path, error) {
	const maxLen = 4096
	if len(text) > maxLen {
		return "", wrong("is longer than 4096 octets")
	}
	return Path(text), plain(text)
}

// Digits is what destinations start with.
type Digits string

func parseDigits(text string) (Digits, error) {
	const maxLen = 15 // E.164 §6.2
	switch {
	case !onlyDigits(text):
		return "", wrong("holds something else than digits")
	case len(text) > maxLen:
		return "", wrong("is longer than 15 digits")
	}
	return Digits(text), nil
}

// EmergencyNumber is a dialled string that is an emergency call. It is no E.164
// number and has no form with +.
type EmergencyNumber string

func parseEmergencyNumber(text string) (EmergencyNumber, error) {
	const minLen, maxLen = 2, 6
	if !onlyDigits(text) || len(text) < minLen || len(text) > maxLen {
		return "", wrong("is not a short digit string")
	}
	return EmergencyNumber(text), nil
}

// TechPrefix is what a neighbour wants before the dialled number.
type TechPrefix string

func parseTechPrefix(text string) (TechPrefix, error) {
	const maxLen = 15
	if len(text) > maxLen || strings.Trim(text, digitChars+"*#") != "" {
		return "", wrong("is not a technical prefix")
	}
	return TechPrefix(text), nil
}

// plain refuses control characters: no value has any, and in a log or a
// protocol they would be read as something else.
func plain(text string) error {
	for _, r := range text {
		if r < ' ' || (r >= 0x7F && r < 0xA0) {
			return wrong("holds a control character")
		}
	}
	return nil
}
