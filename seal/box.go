package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// version is the first octet of all that is sealed; a nonce of 12 octets, the
// ciphertext and a tag of 16 octets follow. NIST SP 800-38D §8.2.2.
const version = 1

// Overhead is how much longer sealed data is.
const Overhead = 1 + 12 + 16

// What Open reports. Which of the causes of ErrOpen it was cannot be told.
var (
	ErrVersion = errors.New("the data was sealed by a newer version, or is not sealed")
	ErrOpen    = errors.New("the data was sealed with another key, for another purpose or place, or was altered")
)

// Box seals and opens for one purpose. It may be used by many goroutines.
// Nonces are random: beyond 2^32 calls of Seal for one purpose a key should be
// replaced.
type Box struct {
	aead cipher.AEAD
}

// Box is the key for a purpose; purposes are names in the code.
func (k *Key) Box(purpose string) *Box {
	block, err := aes.NewCipher(k.derive("seal", purpose))
	if err != nil {
		panic("seal: a key of fixed length was refused")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("seal: AES in GCM was refused")
	}
	return &Box{aead: aead}
}

// Seal appends the sealed plain to dst. Open needs the same place, which is not
// part of the result. dst must not overlap plain.
func (b *Box) Seal(dst, plain, place []byte) []byte {
	return b.aead.Seal(append(dst, version), nil, plain, place)
}

// Open appends what was sealed to dst, which must not overlap sealed.
func (b *Box) Open(dst, sealed, place []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != version {
		return nil, ErrVersion
	}
	plain, err := b.aead.Open(dst, nil, sealed[1:], place)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}
