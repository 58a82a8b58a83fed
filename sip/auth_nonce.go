package sip

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"
)

// Of a nonce: when it was given, a number of its own, and a signature over both
// and whom it was given to.
const (
	nonceTime   = 8
	nonceSerial = 8
	nonceMAC    = 16
	nonceOctets = nonceTime + nonceSerial + nonceMAC
)

// nonce is one for a source. RFC 7616 §3.3.
func (g *authGuard) nonce(source netip.Addr, now time.Time) string {
	var b [nonceOctets]byte
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixNano()))
	binary.BigEndian.PutUint64(b[nonceTime:], g.serial.Add(1))
	g.sign(b[nonceTime+nonceSerial:], b[:nonceTime+nonceSerial], source)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (g *authGuard) sign(dst, text []byte, source netip.Addr) {
	mac := hmac.New(sha256.New, g.key[:])
	_, _ = mac.Write(text)
	addr := source.As16()
	_, _ = mac.Write(addr[:])
	var sum [sha256.Size]byte
	copy(dst, mac.Sum(sum[:0])[:nonceMAC])
}

// open reads a nonce that this source was given.
func (g *authGuard) open(nonce string, source netip.Addr) (issued time.Time, serial uint64, ok bool) {
	var b [nonceOctets]byte
	if len(nonce) != base64.RawURLEncoding.EncodedLen(nonceOctets) {
		return time.Time{}, 0, false
	}
	if _, err := base64.RawURLEncoding.Decode(b[:], []byte(nonce)); err != nil {
		return time.Time{}, 0, false
	}
	var mac [nonceMAC]byte
	g.sign(mac[:], b[:nonceTime+nonceSerial], source)
	if !hmac.Equal(mac[:], b[nonceTime+nonceSerial:]) {
		return time.Time{}, 0, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(b[:]))), binary.BigEndian.Uint64(b[nonceTime:]), true
}
