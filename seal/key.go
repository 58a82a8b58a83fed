package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

const (
	keySize = 32
	salt    = "maskline seal v1"
)

// Key is the master key of an edge. It is used through derived keys only.
type Key struct {
	prk []byte // RFC 5869 §2.2
}

// Generate makes a random key.
func Generate() *Key { return newKey(randomSecret()) }

func randomSecret() []byte {
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // it never fails, says crypto/rand
	return secret
}

func newKey(secret []byte) *Key {
	prk, err := hkdf.Extract(sha256.New, secret, []byte(salt))
	if err != nil {
		panic("seal: extracting from a key of fixed length failed")
	}
	return &Key{prk: prk}
}

// derive gives the key of a use ("seal", "pseudonym") and a purpose.
func (k *Key) derive(use, purpose string) []byte {
	key, err := hkdf.Expand(sha256.New, k.prk, use+"\x00"+purpose, keySize)
	if err != nil {
		panic("seal: deriving a key of fixed length failed")
	}
	return key
}

// letters are 16, none of them a digit: a pseudonym in a log must not look like
// a number.
const letters = "bcdfghjkmnpqrstv"

const pseudonymOctets = 8

// Pseudonym is that of [Pseudonyms.Of].
func (k *Key) Pseudonym(purpose string, data []byte) string {
	return k.Pseudonyms(purpose).Of(data)
}

// Pseudonyms makes pseudonyms for one purpose. It may be used by many goroutines.
type Pseudonyms struct{ key []byte }

// Pseudonyms is for a purpose; purposes are names in the code.
func (k *Key) Pseudonyms(purpose string) *Pseudonyms {
	return &Pseudonyms{k.derive("pseudonym", purpose)}
}

// String hides the key.
func (p *Pseudonyms) String() string { return hidden }

// Format hides the key for every verb.
func (p *Pseudonyms) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// Of is 16 letters that stand for data: the same for the same data, key and
// purpose. Without the key neither a guess can be checked nor two purposes
// compared.
func (p *Pseudonyms) Of(data []byte) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write(data)
	sum := mac.Sum(nil)[:pseudonymOctets]
	text := make([]byte, 0, 2*pseudonymOctets)
	for _, b := range sum {
		text = append(text, letters[b>>4], letters[b&0xF])
	}
	return string(text)
}

const hidden = "(key)"

// String hides the key.
func (k *Key) String() string { return hidden }

// GoString hides the key.
func (k *Key) GoString() string { return hidden }

// Format hides the key for every verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText hides the key.
func (k *Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }
