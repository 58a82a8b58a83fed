package media

import (
	"net/netip"
	"testing"
)

func TestPacked(t *testing.T) {
	for _, text := range []string{"192.0.2.1:5000", "0.0.0.0:1", "255.255.255.255:65535", "[2001:db8::1]:5000", "[::1]:0"} {
		a := netip.MustParseAddrPort(text)
		p := pack(a)
		if got := p.unpack(); got != a {
			t.Errorf("%v became %v", a, got)
		}
	}
	if got := new(packed); got.valid() || pack(netip.AddrPort{}) != *got || got.unpack().IsValid() {
		t.Errorf("none became %v", got.unpack())
	}
}
