package media

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pion/srtp/v3"
)

// Suite is what protects the packets of one side. // RFC 3711, 6188, 7714
type Suite uint8

// The suites. The zero value is plain RTP.
const (
	PlainRTP Suite = iota
	AES128SHA80
	AES128SHA32
	AES256SHA80
	AES256SHA32
	AES128GCM
	AES256GCM
	suites
)

// profile is the library's name for the suite.
func (s Suite) profile() srtp.ProtectionProfile {
	return [suites]srtp.ProtectionProfile{
		AES128SHA80: srtp.ProtectionProfileAes128CmHmacSha1_80,
		AES128SHA32: srtp.ProtectionProfileAes128CmHmacSha1_32,
		AES256SHA80: srtp.ProtectionProfileAes256CmHmacSha1_80,
		AES256SHA32: srtp.ProtectionProfileAes256CmHmacSha1_32,
		AES128GCM:   srtp.ProtectionProfileAeadAes128Gcm,
		AES256GCM:   srtp.ProtectionProfileAeadAes256Gcm,
	}[s]
}

// lengths of the suite's master key and salt, in octets.
func (s Suite) lengths() (key, salt int) {
	switch s {
	case AES128SHA80, AES128SHA32:
		return 16, 14
	case AES256SHA80, AES256SHA32:
		return 32, 14
	case AES128GCM:
		return 16, 12
	case AES256GCM:
		return 32, 12
	default:
		return 0, 0
	}
}

// tag is how many octets the suite adds to an RTP packet.
func (s Suite) tag() int {
	switch s {
	case AES128SHA80, AES256SHA80:
		return 10
	case AES128SHA32, AES256SHA32:
		return 4
	default:
		return 16
	}
}

// tagRTCP is how many it adds to a compound, the index among them.
func (s Suite) tagRTCP() int {
	if s == AES128GCM || s == AES256GCM {
		return 4 + 16
	}
	return 4 + 10
}

// MasterKey is the master key and, behind it, the master salt of one direction.
// It never shows what it holds, whatever the verb, nor does a structure that has
// one.
type MasterKey struct{ reveal func() []byte }

// NewMasterKey keeps a key, which is not to be changed.
func NewMasterKey(octets []byte) MasterKey {
	return MasterKey{func() []byte { return octets }}
}

func (k MasterKey) octets() []byte {
	if k.reveal == nil {
		return nil
	}
	return k.reveal()
}

func (k MasterKey) equal(o MasterKey) bool { return bytes.Equal(k.octets(), o.octets()) }

// Format writes that there is a key.
func (MasterKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// SRTP is how packets between us and one side are protected: each side has keys
// of its own.
type SRTP struct {
	// Suite is that of both directions. Zero: plain RTP, without keys.
	Suite Suite
	// Ours protects what we send, Theirs what the side sends.
	Ours, Theirs MasterKey
}

// check wants keys of the suite's length. The error never shows them.
func (s *SRTP) check() error {
	if s.Suite >= suites {
		return fmt.Errorf("%w: unknown SRTP suite", ErrRemote)
	}
	key, salt := s.Suite.lengths()
	if len(s.Ours.octets()) != key+salt || len(s.Theirs.octets()) != key+salt {
		return fmt.Errorf("%w: SRTP keys of another length than the suite's", ErrRemote)
	}
	return nil
}
