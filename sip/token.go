package sip

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base32"
	"encoding/binary"
	"fmt"
)

// tokenKind is what a token is used as.
type tokenKind uint8

const (
	tagToken      tokenKind = iota + 1 // our tag on one leg
	callIDToken                        // Call-ID of a leg that we opened
	branchToken                        // one transaction of ours
	probeToken                         // branch of a probe
	cnonceToken                        // client nonce of a digest
	textToken                          // branch, Call-ID and tag of a MESSAGE of ours
	registerToken                      // user of the Contact that we register, and what a REGISTER needs
)

// legA is the number of the caller's leg; the attempts to reach the other
// side count from 0.
const legA = 0xFF

// token names a place in a call. On the wire it is one block under a key of
// this process: it says nothing to others, the tokens of a call's two legs
// have nothing in common, and a made-up one is recognised without a lookup.
type token struct {
	call uint64
	kind tokenKind
	leg  uint8
	seq  uint16 // branch: which transaction of the leg
}

// tokens turns tokens into text and back.
type tokens struct {
	block cipher.Block
	text  *base32.Encoding
}

func newTokens(key []byte) (*tokens, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making the key of tokens: %w", err)
	}
	// Small letters and digits, since some peers change case.
	text := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	return &tokens{block: block, text: text}, nil
}

const (
	tokenOctets = aes.BlockSize
	tokenLetter = 26
	magic       = "z9hG4bK" // RFC 3261 §8.1.1.7
)

func (t *tokens) String(k token) string {
	var b [tokenOctets]byte // the last four octets stay zero and prove the key
	binary.BigEndian.PutUint64(b[:], k.call)
	b[8], b[9] = byte(k.kind), k.leg
	binary.BigEndian.PutUint16(b[10:], k.seq)
	t.block.Encrypt(b[:], b[:])
	return t.text.EncodeToString(b[:])
}

// open reads a token; it is false for what is none of ours.
func (t *tokens) open(s string, kind tokenKind) (token, bool) {
	var b [tokenOctets]byte
	if len(s) != tokenLetter {
		return token{}, false
	}
	if n, err := t.text.Decode(b[:], []byte(s)); err != nil || n != tokenOctets {
		return token{}, false
	}
	t.block.Decrypt(b[:], b[:])
	if binary.BigEndian.Uint32(b[12:]) != 0 || tokenKind(b[8]) != kind {
		return token{}, false
	}
	return token{
		call: binary.BigEndian.Uint64(b[:]), kind: kind,
		leg: b[9], seq: binary.BigEndian.Uint16(b[10:]),
	}, true
}

func (t *tokens) branch(k token) string { return magic + t.String(k) }

// openBranch reads a branch of ours.
func (t *tokens) openBranch(s string, kind tokenKind) (token, bool) {
	if len(s) != len(magic)+tokenLetter || s[:len(magic)] != magic {
		return token{}, false
	}
	return t.open(s[len(magic):], kind)
}
