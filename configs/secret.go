package configs

import (
	"fmt"
	"strings"
)

const hidden = "***"

// Secret is a value that prints as "***" in every way but [Secret.Reveal].
type Secret struct{ text string }

// Reveal is the secret itself. It goes to where it is used and nowhere else.
func (s Secret) Reveal() string { return s.text }

// String hides the secret; an empty one prints as nothing.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return hidden
}

// Format hides the secret whatever the verb is.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText hides the secret in JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// DatabaseURL is a URL that may hold a password; it prints as its scheme and
// "***".
type DatabaseURL struct{ text string }

// Reveal is the URL itself, for the driver.
func (u DatabaseURL) Reveal() string { return u.text }

// String hides everything but the scheme; an empty one prints as nothing.
func (u DatabaseURL) String() string {
	scheme, _, found := strings.Cut(u.text, "://")
	if !found {
		return ""
	}
	return scheme + "://" + hidden
}

// Format hides the URL whatever the verb is.
func (u DatabaseURL) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(u.String())) }

// MarshalText hides the URL in JSON, YAML and logs.
func (u DatabaseURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// parseDatabaseURL checks the scheme only: the driver judges the rest, and its
// errors may quote.
func parseDatabaseURL(text string) (DatabaseURL, error) {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, found := strings.CutPrefix(text, scheme); found && rest != "" {
			return DatabaseURL{text}, nil
		}
	}
	return DatabaseURL{}, wrong("is not a postgres URL")
}
