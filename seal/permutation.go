package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// Permutation hides 64-bit values so that equal ones stay equal: what is hidden
// can be found again without being readable. It is AES-256 on one block, so
// unlike a hash it has no collisions, and who holds the key can undo it. It may
// be used by many goroutines.
type Permutation struct{ block cipher.Block }

// BlockSize is the size of a hidden value.
const BlockSize = aes.BlockSize

// Permutation is for a purpose; purposes are names in the code.
func (k *Key) Permutation(purpose string) *Permutation {
	block, err := aes.NewCipher(k.derive("permutation", purpose))
	if err != nil {
		panic("seal: a key of fixed length was refused")
	}
	return &Permutation{block}
}

// String hides the key.
func (p *Permutation) String() string { return hidden }

// Hide returns the hidden value.
func (p *Permutation) Hide(value uint64) (out [BlockSize]byte) {
	p.HideIn(&out, value)
	return out
}

// HideIn writes the hidden value to out, which escapes: of many it may be the same.
func (p *Permutation) HideIn(out *[BlockSize]byte, value uint64) {
	*out = [BlockSize]byte{}
	binary.BigEndian.PutUint64(out[8:], value)
	p.block.Encrypt(out[:], out[:])
}

// Undo returns the value that was hidden, and overwrites what it was hidden as; ok
// is false for what this key did not hide.
func (p *Permutation) Undo(hidden *[BlockSize]byte) (value uint64, ok bool) {
	p.block.Decrypt(hidden[:], hidden[:])
	return binary.BigEndian.Uint64(hidden[8:]), binary.BigEndian.Uint64(hidden[:]) == 0
}

// Digest is a keyed digest of data, equal for equal data: CBC-MAC with the
// length in front (NIST SP 800-38A §6.2; the length makes it safe for data of
// differing lengths), cut to 64 bits. It tells apart what was altered by
// accident or without the key.
func (p *Permutation) Digest(data []byte) uint64 { return p.DigestIn(new([BlockSize]byte), data) }

// DigestIn is Digest with a block to work in, which escapes: of many it may be the
// same.
func (p *Permutation) DigestIn(state *[BlockSize]byte, data []byte) uint64 {
	*state = [BlockSize]byte{}
	binary.BigEndian.PutUint64(state[:], uint64(len(data)))
	state[BlockSize-1] = 1 // never the first block of Hide
	p.block.Encrypt(state[:], state[:])
	for len(data) > 0 {
		n := min(len(data), BlockSize)
		for i := range n {
			state[i] ^= data[i]
		}
		p.block.Encrypt(state[:], state[:])
		data = data[n:]
	}
	return binary.BigEndian.Uint64(state[:])
}
