package message

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Suite is an SRTP crypto suite. RFC 4568 §6.2, RFC 6188, RFC 7714.
type Suite uint8

// The suites. The zero value is plain RTP.
const (
	NoSuite Suite = iota
	AES128SHA80
	AES128SHA32
	AES256SHA80
	AES256SHA32
	AES128GCM
	AES256GCM
	suites
)

// String is its name in descriptions.
func (s Suite) String() string {
	return [suites]string{
		"none", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32",
		"AEAD_AES_128_GCM", "AEAD_AES_256_GCM",
	}[s%suites]
}

// octets is the length of its master key and salt.
func (s Suite) octets() int {
	return [suites]int{0, 16 + 14, 16 + 14, 32 + 14, 32 + 14, 16 + 12, 32 + 12}[s%suites]
}

func suiteNamed(name string) Suite {
	for s := NoSuite + 1; s < suites; s++ {
		if strings.EqualFold(name, s.String()) {
			return s
		}
	}
	return NoSuite
}

// OfferedSuites are those in our offers, the one that we like best first. The one
// with the short tag is taken, not offered.
func OfferedSuites() []Suite { return []Suite{AES128GCM, AES256GCM, AES256SHA80, AES128SHA80} }

// Key is the master key and, behind it, the master salt of one direction. It never
// shows what it holds, whatever the verb, nor does a structure that has one.
type Key struct{ reveal func() []byte }

func newKey(octets []byte) Key { return Key{func() []byte { return octets }} }

// Format writes that there is a key.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// Reveal is the key itself, for the relay.
func (k Key) Reveal() []byte {
	if k.reveal == nil {
		return nil
	}
	return k.reveal()
}

// Equal reports whether another key is the same.
func (k Key) Equal(o Key) bool { return bytes.Equal(k.Reveal(), o.Reveal()) }

// Secret is what the keys of a call's legs are made of: octets drawn at random for
// that call alone.
type Secret struct{ reveal func() []byte }

// NewSecret keeps the octets, 32 at least.
func NewSecret(octets []byte) Secret { return Secret{func() []byte { return octets }} }

// Format writes that there is a secret.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// Key makes our key of a leg's suite. Each leg, round and suite has another one, of
// which none tells anything of the others. Without a secret it is no key, which the
// relay refuses. RFC 5869.
func (s Secret) Key(leg uint8, round uint32, suite Suite) Key {
	if s.reveal == nil {
		return Key{}
	}
	info := binary.BigEndian.AppendUint32([]byte("srtp\x00"), round)
	b, err := hkdf.Expand(sha256.New, s.reveal(), string(append(info, leg, byte(suite))), suite.octets())
	if err != nil {
		return Key{} // it is not that long
	}
	return newKey(b)
}

// Crypto is a line of keys: a=crypto. RFC 4568 §9.1.
type Crypto struct {
	Tag   uint32
	Suite Suite
	Key   Key
}

// Equal reports whether another line is the same.
func (c *Crypto) Equal(o *Crypto) bool {
	return c.Tag == o.Tag && c.Suite == o.Suite && c.Key.Equal(o.Key)
}

const (
	mostCrypto     = 16      // lines of a stream that are read
	leastLifetime  = 1 << 20 // packets: at 50 a second nearly six hours; we make no new keys within a session
	mostLifetime   = 1 << 48 // RFC 3711 §9.2
	mostCryptoTail = 8       // session parameters
)

// parseCrypto reads the value of a=crypto. It is false for a line that cannot be
// used: of an unknown suite, with several keys, with an MKI, whose key is short-lived,
// or with session parameters that must be understood. RFC 4568 §6.1, §6.3, §9.1.
func parseCrypto(value string) (Crypto, bool) {
	fields := strings.Fields(value)
	if len(fields) < 3 || len(fields) > 3+mostCryptoTail || len(fields[0]) > 9 || !made(fields[0], isDigit) {
		return Crypto{}, false
	}
	tag, _ := strconv.ParseUint(fields[0], 10, 32)
	c := Crypto{Tag: uint32(tag), Suite: suiteNamed(fields[1])}
	octets := parseKey(fields[2], c.Suite)
	if octets == nil {
		return Crypto{}, false
	}
	c.Key = newKey(octets)
	for _, p := range fields[3:] {
		// The size of its window is a hint, and what begins with "-" may be left unread.
		if !strings.HasPrefix(p, "WSH=") && !strings.HasPrefix(p, "-") {
			return Crypto{}, false
		}
	}
	return c, true
}

// parseKey reads "inline:" with one key, and its lifetime if there is one. It is nil
// for what is none of the suite.
func parseKey(text string, suite Suite) []byte {
	const method = "inline:"
	if suite == NoSuite || len(text) < len(method) || !strings.EqualFold(text[:len(method)], method) {
		return nil
	}
	encoded, rest, limited := strings.Cut(text[len(method):], "|")
	if limited && !isLifetime(rest) {
		return nil
	}
	encoded = strings.TrimRight(encoded, "=")
	if base64.RawStdEncoding.DecodedLen(len(encoded)) != suite.octets() {
		return nil
	}
	octets, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return octets
}

// isLifetime reads a number of packets, "2^31" or in digits.
func isLifetime(text string) bool {
	if power, found := strings.CutPrefix(text, "2^"); found {
		n, err := strconv.ParseUint(power, 10, 8)
		return err == nil && n < 64 && uint64(1)<<n >= leastLifetime && uint64(1)<<n <= mostLifetime
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return err == nil && n >= leastLifetime && n <= mostLifetime
}

func (c *Crypto) append(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, "a=crypto:"...), uint64(c.Tag), 10)
	dst = append(append(append(dst, ' '), c.Suite.String()...), " inline:"...)
	dst = base64.StdEncoding.AppendEncode(dst, c.Key.Reveal())
	return append(dst, "\r\n"...)
}
