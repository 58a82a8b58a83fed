package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"maskline/sip/message"
)

var authNow = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

const inUser, inPassword = "pbx", "hunter2"

func withAuthIn(c *Config) {
	c.Trunks[0].AuthIn = AuthIn{Username: inUser, Password: inPassword}
	c.Trunks[0].Allow = prefixes("0.0.0.0/0")
}

// challenges of a 401, in their order.
func challenges(t *testing.T, response string) []message.Challenge {
	t.Helper()
	var all []message.Challenge
	for line := range strings.SplitSeq(response, "\r\n") {
		if value, ok := strings.CutPrefix(line, "WWW-Authenticate: "); ok {
			c, err := message.ParseChallenge(value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	if len(all) != 2 {
		t.Fatalf("%d challenges in\n%s", len(all), response)
	}
	return all
}

// credentials answers a challenge for an INVITE to the mask.
func credentials(c message.Challenge, user, password string, count uint32) message.Credentials {
	k := message.Credentials{
		Username: user, Realm: c.Realm, Nonce: c.Nonce, URI: "sip:" + simMaskA.Reveal() + "@edge", CNonce: "c",
		Algorithm: c.Algorithm, Count: count, QOP: true,
	}
	k.Response = message.NewDigestUser(user, password, c.Realm).Response(&k, message.Invite)
	return k
}

// with is an INVITE of the key with credentials; a later one of the same call.
func (p *peer) with(key string, c message.Credentials) string {
	text := strings.Replace(p.invite(key), "z9hG4bK", "z9hG4bKauth", 1)
	text = strings.Replace(text, "1 INVITE", "2 INVITE", 1)
	return strings.Replace(text, "Contact:", c.Line(false)+"\r\nContact:", 1)
}

func TestDigestIsAskedFor(t *testing.T) {
	b := newBed(t, withAuthIn)
	far := newPeer(t, "127.0.0.77") // of a network that names everybody
	far.edge = b.addr
	for i, algorithm := range message.Algorithms() {
		key := fmt.Sprint("call", i)
		far.send(far.invite(key))
		ask := challenges(t, far.expect("SIP/2.0 401"))
		if ask[0].Algorithm != message.SHA256 || ask[1].Algorithm != message.MD5 || !ask[0].QOP || ask[0].Stale || ask[0].Realm != "maskline" {
			t.Errorf("%+v", ask)
		}
		far.send(far.with(key, credentials(ask[i], inUser, inPassword, 1)))
		far.expect("SIP/2.0 100")
		if invite := b.callees[0].expect("INVITE "); strings.Contains(invite, "Authorization") {
			t.Errorf("%v: its credentials went on", algorithm)
		}
	}
	far.send(far.other("OPTIONS"))
	far.expect("SIP/2.0 200")
	if got := b.count("auth_total", "trunk", "in", "verdict", "accepted"); got != 2 {
		t.Errorf("%v accepted", got)
	}
}

func TestRefusedCredentials(t *testing.T) {
	cases := []struct {
		name    string
		change  func(*message.Credentials, *bed)
		verdict authVerdict
	}{
		{"another password", func(c *message.Credentials, _ *bed) {
			*c = credentials(message.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm}, inUser, "other", 1)
		}, authWrong},
		{"another user", func(c *message.Credentials, _ *bed) {
			*c = credentials(message.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm}, "nobody", inPassword, 1)
		}, authWrong},
		{"another realm", func(c *message.Credentials, _ *bed) { c.Realm = "elsewhere" }, authAsked},
		{"made for another number", func(c *message.Credentials, _ *bed) { c.URI = "sip:+441110000009@edge" }, authURI},
		{"a nonce that is none of ours", func(c *message.Credentials, _ *bed) { c.Nonce = strings.Repeat("A", len(c.Nonce)) }, authStale},
		{"a nonce of another source", func(c *message.Credentials, b *bed) {
			n := b.edge.auth.nonce(netip.MustParseAddr("127.0.0.2"), time.Now())
			*c = credentials(message.Challenge{Realm: c.Realm, Nonce: n, Algorithm: c.Algorithm}, inUser, inPassword, 1)
		}, authStale},
		{"an old nonce", func(c *message.Credentials, b *bed) {
			n := b.edge.auth.nonce(b.caller.addr.Addr(), time.Now().Add(-nonceLife-time.Second))
			*c = credentials(message.Challenge{Realm: c.Realm, Nonce: n, Algorithm: c.Algorithm}, inUser, inPassword, 1)
		}, authStale},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, withAuthIn)
			b.caller.send(b.caller.invite("one"))
			k := credentials(challenges(t, b.caller.expect("SIP/2.0 401"))[0], inUser, inPassword, 1)
			c.change(&k, b)
			b.caller.send(b.caller.with("one", k))
			answer := b.caller.expect("SIP/2.0 401")
			if got := challenges(t, answer)[0].Stale; got != (c.verdict == authStale) {
				t.Errorf("stale: %v", got)
			}
			if strings.Contains(answer, "Reason:") || b.count("auth_total", "verdict", c.verdict.String()) < 1 {
				t.Errorf("not counted as %v, or it tells why:\n%s", c.verdict, answer)
			}
			if n := len(b.edge.calls.all()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestReplayedCredentials has an attacker repeat what it overheard, from the very
// source.
func TestReplayedCredentials(t *testing.T) {
	b := newBed(t, withAuthIn)
	b.caller.send(b.caller.invite("one"))
	k := credentials(challenges(t, b.caller.expect("SIP/2.0 401"))[0], inUser, inPassword, 1)
	good := b.caller.with("one", k)
	b.caller.send(good)
	b.caller.expect("SIP/2.0 100")
	b.callees[0].expect("INVITE ")
	b.caller.send(good) // UDP repeats: the same transaction
	b.caller.expect("SIP/2.0 100")
	b.caller.send(b.caller.with("two", k))
	if !challenges(t, b.caller.expect("SIP/2.0 401"))[0].Stale {
		t.Error("not stale")
	}
	k.Count = 2 // without the password
	b.caller.send(b.caller.with("three", k))
	b.caller.expect("SIP/2.0 401")
	if n := len(b.edge.calls.all()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestGuessingIsLocked(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withAuthIn(c)
		c.Auth.Failures = 3
	})
	d := b.callInBy(b.caller, "one")
	evil := newPeer(t, "127.0.0.66")
	evil.edge = b.addr
	for i := range 3 {
		key := fmt.Sprint("guess", i)
		evil.send(evil.invite(key))
		evil.send(evil.with(key, credentials(challenges(t, evil.expect("SIP/2.0 401"))[0], inUser, "guess", 1)))
		evil.expect("SIP/2.0 401")
	}
	evil.send(evil.invite("right"))
	right := credentials(challenges(t, evil.expect("SIP/2.0 401"))[0], inUser, inPassword, 1)
	evil.send(evil.with("right", right))
	evil.expect("SIP/2.0 403")
	b.hangUp(b.caller, d) // what stands is not touched, and others go on
	b.callInBy(b.caller, "two")
}

// callInBy sets a call up with credentials.
func (b *bed) callInBy(p *peer, key string) dialog {
	b.t.Helper()
	p.send(p.invite(key))
	t := b.t.(*testing.T)
	p.send(p.with(key, credentials(challenges(t, p.expect("SIP/2.0 401"))[0], inUser, inPassword, 1)))
	invite := b.callees[0].expect("INVITE ")
	b.callees[0].send(b.callees[0].reply(invite, 200, b.callees[0].sdp()))
	b.callees[0].expect("ACK ")
	answer := p.expect("SIP/2.0 200")
	p.send(p.inDialog("ACK", answer, 2))
	eventually(b.t, "the call is up", func() bool { return len(b.edge.Calls()) == 1 && b.edge.Calls()[0].State == "up" })
	return dialog{invite, answer}
}

// TestDialogOfEverybodysTrunk has a BYE with the right tags come from an address
// that the trunk's network holds, and that is not the caller's.
func TestDialogOfEverybodysTrunk(t *testing.T) {
	b := newBed(t, withAuthIn)
	far := newPeer(t, "127.0.0.77")
	far.edge = b.addr
	d := b.callInBy(far, "one")
	evil := newPeer(t, "127.0.0.66")
	evil.edge = b.addr
	evil.send(evil.inDialog("BYE", d.answer, 3))
	evil.expect("SIP/2.0 481")
	if len(b.edge.Calls()) != 1 {
		t.Fatal("the call was ended")
	}
	far.send(far.inDialog("BYE", d.answer, 3))
	far.expect("SIP/2.0 200")
}

// TestTrunkByCredentials has several trunks share a source.
func TestTrunkByCredentials(t *testing.T) {
	b := newBed(t, func(c *Config) {
		for _, name := range []string{"one", "two"} {
			c.Trunks = append(c.Trunks, TrunkConfig{
				Name: name, Tenant: "shop", Allow: prefixes("127.0.0.88/32"), MediaFrom: prefixes("127.0.0.0/8"),
				AuthIn: AuthIn{Username: name, Password: name + "pw"}, Probe: Probe{Every: -1},
			})
		}
	})
	shared := newPeer(t, "127.0.0.88")
	shared.edge = b.addr
	for i, name := range []string{"two", "one", "two"} {
		key := fmt.Sprint("call", i)
		shared.send(shared.invite(key))
		ask := challenges(t, shared.expect("SIP/2.0 401"))[0]
		shared.send(shared.with(key, credentials(ask, name, name+"pw", 1)))
		shared.expect("SIP/2.0 100")
	}
	if one, two := b.count("channels", "trunk", "one"), b.count("channels", "trunk", "two"); one != 1 || two != 2 {
		t.Errorf("%v and %v calls", one, two)
	}
}

func TestEverybodyNeedsADigest(t *testing.T) {
	cases := []struct {
		name string
		cfg  TrunkConfig
		ok   bool
	}{
		{"everybody without", TrunkConfig{Allow: prefixes("0.0.0.0/0")}, false},
		{"everybody of IPv6 without", TrunkConfig{Allow: prefixes("::/0")}, false},
		{"everybody with one", TrunkConfig{Allow: prefixes("0.0.0.0/0"), AuthIn: AuthIn{Username: "u", Password: "p"}}, true},
		{"some without", TrunkConfig{Allow: prefixes("10.0.0.0/8")}, true},
	}
	for _, c := range cases {
		c.cfg.Name, c.cfg.Tenant = "x", "shop"
		if _, err := newTrunk(c.cfg, nil); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	g := newAuthGuard(Auth{})
	for _, a := range []AuthIn{{Username: "u"}, {Username: `"`, Password: "p"}} {
		if _, err := g.forTrunk(&trunk{TrunkConfig: TrunkConfig{AuthIn: a}}); err == nil {
			t.Errorf("%+v is taken", a.Username)
		}
	}
}

func TestReplayWindow(t *testing.T) {
	var r replays
	steps := []struct {
		count       uint32
		transaction uint64
		want        bool
	}{
		{1, 7, true},
		{1, 7, true},  // repeated
		{1, 8, false}, // another request
		{1, 0, false},
		{3, 0, true},
		{3, 0, false}, // of an INVITE there is no repetition here
		{2, 0, true},  // overtaken
		{2, 0, false},
		{1, 7, false},
		{100, 0, true},
		{37, 0, true},
		{36, 0, false}, // too far back
		{37, 0, false},
		{1000, 0, true},
		{1000, 0, false},
		{100, 0, false},
	}
	for i, s := range steps {
		if got := r.use(1, authNow, s.count, s.transaction, authNow); got != s.want {
			t.Errorf("step %d, %d: %v", i, s.count, got)
		}
	}
}

// TestReplaysAreBounded has more nonces than are kept: those that are forgotten
// are not taken again.
func TestReplaysAreBounded(t *testing.T) {
	var r replays
	at := func(i int) time.Time { return authNow.Add(time.Duration(i) * time.Millisecond) }
	const n = 5 * maxNonces
	for i := range n {
		if !r.use(uint64(i), at(i), 1, 0, at(i)) {
			t.Fatalf("nonce %d is refused", i)
		}
		if len(r.used) > maxNonces {
			t.Fatalf("%d are kept", len(r.used))
		}
	}
	for i := range n {
		if r.use(uint64(i), at(i), 1, 0, at(n)) {
			t.Fatalf("nonce %d is taken twice", i)
		}
	}
	var still replays
	for i := range n { // a clock that stands
		still.use(uint64(i), authNow, 1, 0, authNow)
	}
	if len(still.used) > maxNonces {
		t.Fatalf("%d are kept", len(still.used))
	}
}

func TestTrunkGuesses(t *testing.T) {
	cfg := newAuthGuard(Auth{TrunkFailures: 3}).cfg
	var g guesses
	owner, guesser := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	try := func(source netip.Addr, named, same bool, after time.Duration, want authVerdict) {
		t.Helper()
		if got := g.judge(named, source, same, &cfg, authNow.Add(after)); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	try(owner, false, true, 0, authAccepted)
	for range 3 {
		try(guesser, false, false, 0, authWrong)
	}
	try(guesser, false, true, 0, authTrunkLocked)
	try(guesser.Next(), false, true, 0, authTrunkLocked)
	try(owner, false, true, 0, authAccepted)         // it has had it right before
	try(owner, false, false, 0, authWrong)           // and does not count
	try(guesser.Next(), true, true, 0, authAccepted) // of the trunk's own network
	try(guesser, false, true, time.Hour, authAccepted)
}

// TestAuthSourcesAreBounded has 60,000 sources fail.
func TestAuthSourcesAreBounded(t *testing.T) {
	s := newAuthSources(newAuthGuard(Auth{}).cfg)
	addr := netip.MustParseAddr("10.0.0.0")
	for range 60_000 {
		addr = addr.Next()
		s.failed(addr, authNow)
	}
	if len(s.seen) > maxAuthSources {
		t.Errorf("%d sources are kept", len(s.seen))
	}
	if s.locked(addr, authNow) {
		t.Error("one failure locks")
	}
	for range 10 {
		s.failed(addr, authNow)
	}
	if !s.locked(addr, authNow) || s.locked(addr, authNow.Add(time.Hour)) {
		t.Error("not locked, or for ever")
	}
}

func BenchmarkJudge(b *testing.B) {
	g := newAuthGuard(Auth{})
	tr, err := newTrunk(TrunkConfig{Name: "x", Tenant: "shop", Allow: prefixes("0.0.0.0/0"), AuthIn: AuthIn{Username: "u", Password: "p"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	if tr.digest, err = g.forTrunk(tr); err != nil {
		b.Fatal(err)
	}
	req := &message.Request{Method: "OPTIONS", Source: netip.MustParseAddrPort("192.0.2.1:5060")}
	nonce := g.nonce(req.Source.Addr(), authNow)
	k := message.Credentials{Username: "u", Realm: "maskline", Nonce: nonce, URI: "sip:a@b", CNonce: "c", QOP: true, Count: 1, Algorithm: message.SHA256}
	b.ReportAllocs()
	for b.Loop() {
		k.Count++
		_ = tr.digest.user.Response(&k, req.Method)
		if _, _, ok := g.open(k.Nonce, req.Source.Addr()); !ok {
			b.Fatal("not ours")
		}
	}
}

// TestStrangersUseUpNothing has one without a password call while there is room for
// one call a second: who knows it gets through.
func TestStrangersUseUpNothing(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withAuthIn(c)
		c.MaxCPS = 1
	})
	b.caller.send(b.caller.invite("one"))
	ask := challenges(t, b.caller.expect("SIP/2.0 401"))
	b.caller.send(b.caller.with("one", credentials(ask[0], inUser, inPassword, 1)))
	b.caller.expect("SIP/2.0 100")
	b.caller.send(b.caller.invite("two"))
	ask = challenges(t, b.caller.expect("SIP/2.0 401"))
	b.caller.send(b.caller.with("two", credentials(ask[0], inUser, inPassword, 1)))
	b.caller.expect("SIP/2.0 503")
}
