package smpp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// guessing is an account, and how a bind of one source is judged.
func guessing(allow ...netip.Prefix) (a *account, try func(source, password string, at time.Duration) authFault) {
	a = &account{}
	a.apply(&AccountConfig{SystemID: "shop", Password: "sesame", Allow: allow})
	begin := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	cfg := AuthConfig{AccountFailures: 3, Per: time.Minute}
	return a, func(source, password string, at time.Duration) authFault {
		return a.tried(netip.MustParseAddr(source), password == "sesame", cfg, begin.Add(at))
	}
}

// Many sources that guess at one account are locked out together; where the
// owner has bound from, or its allow-list names, goes on.
func TestGuessingFromManySources(t *testing.T) {
	const owner = "192.0.2.1"
	attack := func(t *testing.T, try func(string, string, time.Duration) authFault) {
		t.Helper()
		for i := range 3 {
			if got := try(fmt.Sprintf("198.51.100.%d", i), "guess", 0); got != authPassword {
				t.Fatalf("guess %d: %v", i, got)
			}
		}
	}
	t.Run("a stranger is locked out", func(t *testing.T) {
		_, try := guessing()
		attack(t, try)
		if got := try("198.51.100.9", "guess", time.Second); got != authAccountLocked {
			t.Errorf("a wrong password: %v", got)
		}
		if got := try("198.51.100.9", "sesame", time.Second); got != authAccountLocked {
			t.Errorf("a right password: %v", got)
		}
		if got := try("198.51.100.9", "sesame", time.Minute); got != authOK {
			t.Errorf("after the period: %v", got)
		}
	})
	t.Run("the owner's source goes on", func(t *testing.T) {
		_, try := guessing()
		if got := try(owner, "sesame", 0); got != authOK {
			t.Fatal(got)
		}
		attack(t, try)
		if got := try(owner, "sesame", time.Second); got != authOK {
			t.Errorf("known: %v", got)
		}
		if got := try("192.0.2.2", "sesame", time.Second); got != authAccountLocked {
			t.Errorf("its neighbour: %v", got)
		}
	})
	t.Run("an IPv6 source is its /64", func(t *testing.T) {
		_, try := guessing()
		try("2001:db8::1", "sesame", 0)
		attack(t, try)
		if got := try("2001:db8::2", "sesame", time.Second); got != authOK {
			t.Errorf("same /64: %v", got)
		}
		if got := try("2001:db8:0:1::1", "sesame", time.Second); got != authAccountLocked {
			t.Errorf("another /64: %v", got)
		}
	})
	t.Run("an allow-list is trusted", func(t *testing.T) {
		_, try := guessing(netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"))
		attack(t, try)
		if got := try(owner, "sesame", time.Second); got != authOK {
			t.Errorf("got %v", got)
		}
	})
	t.Run("a list of everybody is not", func(t *testing.T) {
		_, try := guessing(netip.MustParsePrefix("0.0.0.0/0"))
		attack(t, try)
		if got := try(owner, "sesame", time.Second); got != authAccountLocked {
			t.Errorf("got %v", got)
		}
	})
	t.Run("a known source that fails does not lock the account", func(t *testing.T) {
		_, try := guessing()
		try(owner, "sesame", 0)
		for range 10 {
			try(owner, "guess", 0)
		}
		if got := try("192.0.2.2", "sesame", time.Second); got != authOK {
			t.Errorf("got %v", got)
		}
	})
	t.Run("known sources are bounded", func(t *testing.T) {
		a, try := guessing()
		for i := range 2 * maxKnown {
			try(fmt.Sprintf("192.0.2.%d", i), "sesame", 0)
		}
		if n := len(a.guesses.known); n != maxKnown {
			t.Errorf("%d are kept", n)
		}
	})
}

// A source that opened its connections before it was locked gets no more
// guesses out of them.
func TestConnectionsOpenedBeforeTheLock(t *testing.T) {
	cfg := baseConfig()
	cfg.Auth.Failures = 2
	b := startEdge(t, cfg)
	var early []*wire
	for range 4 {
		early = append(early, dialWire(t, b.addr))
	}
	for i, password := range []string{"guess", "guess", "sesame", "guess"} {
		if f := early[i].bindAs(t, pdu.BindTransceiver, "shop", password, pdu.Version34); f.Status != pdu.RBindFail {
			t.Errorf("bind %d is answered with 0x%02X", i+1, uint32(f.Status))
		}
		early[i].expectEnd(t)
	}
	if n := b.metric(t, "auth_failures_total", "reason", "source_locked"); n != 2 {
		t.Errorf("%v binds are counted as those of a locked source", n)
	}
}

func TestRedials(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	r := newRedials(3)
	for i, at := range []time.Duration{0, time.Second, 5 * time.Second} {
		if got := r.wait(now.Add(at)); got != 0 {
			t.Fatalf("attempt %d waits %v", i+1, got)
		}
		r.made(now.Add(at))
	}
	for _, c := range []struct{ at, want time.Duration }{
		{5 * time.Second, 55 * time.Second}, {59 * time.Second, time.Second}, {time.Minute, 0}, {time.Hour, 0},
	} {
		if got := r.wait(now.Add(c.at)); got != c.want {
			t.Errorf("at %v: waits %v, want %v", c.at, got, c.want)
		}
	}
	r.made(now.Add(time.Minute))
	if got := r.wait(now.Add(time.Minute)); got != time.Second {
		t.Errorf("the oldest of the last three is another one: waits %v", got)
	}
	free := newRedials(0)
	free.made(now)
	if got := free.wait(now); got != 0 {
		t.Errorf("without a limit: waits %v", got)
	}
}

// What an account gets is spread over those of its binds that receive.
func TestDeliveriesAreSpreadOverReceivers(t *testing.T) {
	cfg := baseConfig()
	cfg.Accounts[0].Binds = 3
	b := startEdge(t, cfg)
	receivers := []*wire{bound(t, b.addr, pdu.BindReceiver, "shop"), bound(t, b.addr, pdu.BindTransceiver, "shop")}
	transmitter := bound(t, b.addr, pdu.BindTransmitter, "shop")
	if f := dialWire(t, b.addr).bindAs(t, pdu.BindReceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.RBindFail {
		t.Errorf("the fourth bind is answered with 0x%02X", uint32(f.Status))
	}
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	const n = 20
	got := merge(t, receivers)
	by := map[*wire]int{}
	for range n {
		outlet.send(t, pdu.SubmitSM, text(alice, maskShop, "x"))
		a := <-got
		by[a.wire]++
		a.wire.respond(t, a.frame, pdu.ROK, "")
		outlet.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	if by[receivers[0]] == 0 || by[receivers[1]] == 0 || by[receivers[0]]+by[receivers[1]] != n {
		t.Errorf("the receivers got %d and %d of %d", by[receivers[0]], by[receivers[1]], n)
	}
	transmitter.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 50))
	transmitter.expect(t, pdu.EnquireLinkResp, pdu.ROK) // and nothing before
}
