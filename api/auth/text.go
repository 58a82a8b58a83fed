package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"strings"
)

const (
	textPrefix   = "sk_"
	livePrefix   = "live_"
	testPrefix   = "test_"
	secretOctets = 32
	secretLength = 43 // of 32 octets in base 62
	publicLength = 8
	base         = 62
)

// NewText is the text of a new key: sk_live_ and 43 letters and digits. The first
// eight of them find the key, the others are 208 bits of chance.
func NewText() string { return newText(livePrefix) }

// NewTestText is that of a key of the sandbox: sk_test_ and as many.
func NewTestText() string { return newText(testPrefix) }

func newText(kind string) string {
	var secret [secretOctets]byte
	_, _ = rand.Read(secret[:]) // it never fails, says crypto/rand
	digits := new(big.Int).SetBytes(secret[:]).Text(base)
	return textPrefix + kind + strings.Repeat("0", secretLength-len(digits)) + digits
}

// publicOf is the part of a key's text that finds it; empty: it is no key's text.
func publicOf(text string) string {
	rest, found := strings.CutPrefix(text, textPrefix)
	if !found || len(rest) != len(livePrefix)+secretLength || rest[:len(livePrefix)] != livePrefix && rest[:len(testPrefix)] != testPrefix {
		return ""
	}
	for _, c := range []byte(rest[len(livePrefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return rest[:len(livePrefix)+publicLength]
}

// IsTest reports whether the Authorization fields of a request hold what looks like
// a key of the sandbox.
func IsTest(fields []string) bool {
	if len(fields) != 1 {
		return false
	}
	_, text, _ := strings.Cut(fields[0], " ")
	return strings.HasPrefix(publicOf(text), testPrefix)
}

func hashOf(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }
