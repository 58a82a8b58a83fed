package udp

import (
	"net/netip"
	"slices"
	"testing"
)

func TestFill(t *testing.T) {
	in, out := listen(t, loopback, 1)[0], listen(t, loopback, 1)[0]
	if got := in.Fill(); got != 0 {
		t.Errorf("%v of an empty one", got)
	}
	for range 2000 {
		if err := out.Send(make([]byte, 1000), in.Local()); err != nil {
			t.Fatal(err)
		}
	}
	if got := in.Fill(); got < 0.8 || got > 2 {
		t.Errorf("%v of a full one", got)
	}
	in.Discard()
	if got := in.Fill(); got != 0 {
		t.Errorf("%v after all was dropped", got)
	}
}

// TestNotes sends where nobody listens. The kernel says so on a later call, and
// quotes what was sent.
func TestNotes(t *testing.T) {
	for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
		s := listen(t, netip.MustParseAddrPort(host), 1)[0]
		gone := listen(t, netip.MustParseAddrPort(host), 1)[0]
		gone.Close()
		if err := s.Send([]byte("is anybody there"), gone.Local()); err != nil {
			t.Fatal(err)
		}
		var quoted []string
		s.Notes(func(b []byte) { quoted = append(quoted, string(b)) })
		if !slices.Equal(quoted, []string{"is anybody there"}) {
			t.Errorf("%s: %q", host, quoted)
		}
		if s.Notes(func([]byte) { t.Error("a note stayed") }); t.Failed() {
			return
		}
	}
}

func TestListenRefuses(t *testing.T) {
	held := listen(t, loopback, 3)
	for _, s := range held {
		if s.Local() != held[0].Local() {
			t.Errorf("%v beside %v", s.Local(), held[0].Local())
		}
	}
	for _, sockets := range []int{1, 2} {
		if all, err := Listen(held[0].Local(), sockets, 1<<16); err == nil {
			t.Errorf("%d more share the address", len(all))
		}
	}
	if _, err := Listen(netip.MustParseAddrPort("192.0.2.1:0"), 1, 1<<16); err == nil {
		t.Error("it has an address that is not ours")
	}
}

func TestClosed(t *testing.T) {
	s := listen(t, loopback, 1)[0]
	s.Close()
	s.Close()
	if err := s.Send([]byte("x"), s.Local()); err == nil {
		t.Error("it was sent")
	}
	s.Discard()
	if s.Fill() != 0 {
		t.Error("it holds something")
	}
}
