package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// MAC makes and checks codes that nobody makes without the key. It may be used by
// many goroutines.
type MAC struct{ key []byte }

// MACSize is the size of a code in octets.
const MACSize = sha256.Size

// MAC is for a purpose; purposes are names in the code.
func (k *Key) MAC(purpose string) *MAC { return &MAC{k.derive("mac", purpose)} }

// String hides the key.
func (m *MAC) String() string { return hidden }

// Format hides the key for every verb.
func (m *MAC) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// Sum is the code of data: HMAC-SHA256, RFC 2104.
func (m *MAC) Sum(data []byte) (sum [MACSize]byte) {
	mac := hmac.New(sha256.New, m.key)
	mac.Write(data)
	mac.Sum(sum[:0])
	return sum
}

// Is reports in constant time whether a code is that of data.
func (m *MAC) Is(code, data []byte) bool {
	sum := m.Sum(data)
	return hmac.Equal(code, sum[:])
}
