package smpp

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func TestSources(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	good, bad := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	s := newSources(AuthConfig{Failures: 3, Per: time.Minute}, 2)
	for range 3 {
		s.failed(bad, now)
	}
	if s.admit(bad, now) {
		t.Fatal("admitted after three failures")
	}
	if !s.admit(good, now) {
		t.Fatal("another source was refused")
	}
	if s.admit(bad, now.Add(59*time.Second)) || !s.admit(bad, now.Add(time.Minute)) {
		t.Fatal("refused for another time than the rest of the minute")
	}
	s.failed(bad, now.Add(2*time.Minute))
	if !s.admit(bad, now.Add(2*time.Minute)) {
		t.Fatal("old failures count")
	}
}

func TestUnboundConnectionsOfASource(t *testing.T) {
	now := time.Now()
	a := netip.MustParseAddr("192.0.2.1")
	s := newSources(AuthConfig{Failures: 3, Per: time.Minute}, 2)
	for i, want := range []bool{true, true, false} {
		if s.admit(a, now) != want {
			t.Fatalf("connection %d: %v", i+1, !want)
		}
	}
	s.settled(a)
	if !s.admit(a, now) {
		t.Fatal("no room after one was settled")
	}
	s.settled(a)
	s.settled(a)
	if len(s.seen) != 0 {
		t.Fatal("a record stayed behind")
	}
}

func TestSourceOfIPv6IsItsNetwork(t *testing.T) {
	one, two := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	if sourceOf(one) != sourceOf(two) || sourceOf(one) == sourceOf(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Fatal("not by /64")
	}
	if sourceOf(netip.MustParseAddr("::ffff:192.0.2.1")) != sourceOf(netip.MustParseAddr("192.0.2.1")) {
		t.Fatal("a mapped address is another source")
	}
}

func TestSourcesAreBounded(t *testing.T) {
	now := time.Now()
	s := newSources(AuthConfig{Failures: 3, Per: time.Minute}, 2)
	for i := range uint32(3 * maxSources) {
		s.failed(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, i))), now.Add(time.Duration(i)))
	}
	if len(s.seen) > maxSources {
		t.Fatalf("%d records", len(s.seen))
	}
	if !s.admit(netip.MustParseAddr("192.0.2.1"), now) {
		t.Fatal("a full table of failures keeps good sources out")
	}
}
