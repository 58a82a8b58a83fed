package sip

import (
	"fmt"
	"strings"
	"testing"

	"maskline/sip/message"
)

const (
	authUser, authPassword, authRealm = "maskline", "secret word", "carrier.example"
	askMD5                            = `Digest realm="carrier.example", nonce="n1", qop="auth"`
)

func withAuthOut(c *Config) {
	c.Trunks[0].AuthOut = AuthOut{Username: authUser, Password: authPassword, Realm: authRealm}
	c.Trunks[1].AuthOut = c.Trunks[0].AuthOut
}

// ask answers a request with a challenge.
func (p *peer) ask(request string, code int, challenges ...string) {
	p.t.Helper()
	name := "WWW-Authenticate: "
	if code == 407 {
		name = "Proxy-Authenticate: "
	}
	lines := ""
	for _, c := range challenges {
		lines += name + c + "\r\n"
	}
	p.send(strings.Replace(p.reply(request, code, ""), "Contact:", lines+"Contact:", 1))
}

// proof is the credentials of a request, which must be right.
func proof(t *testing.T, request string) message.Credentials {
	t.Helper()
	c, err := message.ParseCredentials(header(request, "Authorization") + header(request, "Proxy-Authorization"))
	method, rest, _ := strings.Cut(request, " ")
	uri, _, _ := strings.Cut(rest, " ")
	user := message.NewDigestUser(authUser, authPassword, authRealm)
	if err != nil || c.URI != uri || c.Username != authUser || c.Response != user.Response(&c, method) {
		t.Fatalf("wrong credentials (%v) in\n%s", err, request)
	}
	return c
}

func TestChallengedInvite(t *testing.T) {
	cases := []struct {
		name       string
		code       int
		challenges []string
		algorithm  message.Algorithm
		nonce      string // empty: it is not answered
	}{
		{"401 of MD5", 401, []string{askMD5}, message.MD5, "n1"},
		{"407 of SHA-256", 407, []string{`Digest realm="carrier.example", nonce="n1", algorithm=SHA-256, qop="auth,auth-int"`}, message.SHA256, "n1"},
		{
			"the first that is spoken", 401,
			[]string{`Digest realm="carrier.example", nonce="n0", algorithm=SHA-512-256, qop="auth"`, `Digest realm="carrier.example", nonce="n2", algorithm=SHA-256, qop="auth"`, askMD5},
			message.SHA256, "n2",
		},
		{"the trunk's realm among others", 407, []string{`Digest realm="elsewhere.example", nonce="n9", qop="auth"`, askMD5}, message.MD5, "n1"},
		{"a realm from behind the trunk", 407, []string{`Digest realm="elsewhere.example", nonce="n1", qop="auth"`}, 0, ""},
		{"auth-int alone", 401, []string{`Digest realm="carrier.example", nonce="n1", qop="auth-int"`}, 0, ""},
		{"no challenge", 401, nil, 0, ""},
		{"Basic", 401, []string{`Basic realm="carrier.example"`}, 0, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, func(cfg *Config) {
				cfg.Trunks[1].AuthOut = AuthOut{Username: authUser, Password: authPassword, Realm: authRealm}
			})
			b.caller.send(b.caller.invite("one"))
			first := b.callees[0].expect("INVITE ")
			if strings.Contains(first, "Authorization:") {
				t.Error("credentials before a challenge")
			}
			b.callees[0].ask(first, c.code, c.challenges...)
			ack := b.callees[0].expect("ACK ")
			if header(ack, "Via") != header(first, "Via") || header(ack, "CSeq") != "1 ACK" {
				t.Errorf("not the first INVITE's:\n%s", ack)
			}
			if c.nonce == "" {
				b.callees[1].expect("INVITE ") // it counts as a refusal of the carrier's
				return
			}
			again := b.callees[0].expect("INVITE ")
			got := proof(t, again)
			if got.Nonce != c.nonce || got.Algorithm != c.algorithm || got.Count != 1 {
				t.Errorf("%+v", got)
			}
			if header(again, "CSeq") != "2 INVITE" || header(again, "Via") == header(first, "Via") || header(again, "Call-ID") != header(first, "Call-ID") ||
				header(again, "From") != header(first, "From") || strings.Contains(header(again, "To"), "tag=") {
				t.Errorf("not another INVITE of the same call:\n%s", again)
			}
			if n := b.count("attempts_total"); n != 0 {
				t.Errorf("%v attempts have ended", n)
			}
		})
	}
}

// TestChallengedCall has a call of which everything is asked for a digest.
func TestChallengedCall(t *testing.T) {
	b := newBed(t, withAuthOut)
	bob := b.callees[0]
	b.caller.send(b.caller.invite("one"))
	first := bob.expect("INVITE ")
	bob.ask(first, 401, askMD5)
	bob.expect("ACK ")
	invite := bob.expect("INVITE ")
	bob.ask(first, 401, askMD5) // our ACK was lost
	if ack := bob.expect("ACK "); header(ack, "Via") != header(first, "Via") {
		t.Errorf("not the first INVITE's:\n%s", ack)
	}
	bob.send(bob.reply(invite, 200, bob.sdp()))
	ack := bob.expect("ACK ")
	if header(ack, "CSeq") != "2 ACK" || header(ack, "Authorization") != header(invite, "Authorization") {
		t.Errorf("not the credentials of the INVITE:\n%s", ack)
	}
	answer := b.caller.expect("SIP/2.0 200")
	b.caller.send(b.caller.inDialog("ACK", answer, 1))
	b.caller.send(b.caller.inDialog("BYE", answer, 2))
	b.caller.expect("SIP/2.0 200")
	bye := bob.expect("BYE ")
	if got := proof(t, bye); got.Nonce != "n1" || got.Count != 2 || header(bye, "CSeq") != "3 BYE" {
		t.Errorf("%+v in\n%s", got, bye)
	}
	bob.ask(bye, 407, `Digest realm="carrier.example", nonce="n3", qop="auth", stale=true`)
	again := bob.expect("BYE ")
	if got := proof(t, again); got.Nonce != "n3" || got.Count != 1 || header(again, "CSeq") != "4 BYE" || !strings.Contains(again, "\r\nProxy-Authorization:") {
		t.Errorf("%+v in\n%s", got, again)
	}
	bob.send(bob.reply(again, 200, ""))
	if got := b.count("attempts_total", "trunk", "out0", "outcome", "answered"); got != 1 {
		t.Errorf("%v attempts", got)
	}
}

func TestSecondChallenge(t *testing.T) {
	cases := []struct {
		name, second string
		again        bool
	}{
		{"the password is wrong", `Digest realm="carrier.example", nonce="n2", qop="auth"`, false},
		{"the nonce was too old", `Digest realm="carrier.example", nonce="n2", qop="auth", stale=true`, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, withAuthOut)
			b.caller.send(b.caller.invite("one"))
			b.callees[0].ask(b.callees[0].expect("INVITE "), 401, askMD5)
			b.callees[0].expect("ACK ")
			b.callees[0].ask(b.callees[0].expect("INVITE "), 401, c.second)
			b.callees[0].expect("ACK ")
			if c.again {
				third := b.callees[0].expect("INVITE ")
				if got := proof(t, third); got.Nonce != "n2" || header(third, "CSeq") != "3 INVITE" {
					t.Errorf("%+v", got)
				}
				b.callees[0].ask(third, 401, strings.Replace(c.second, "n2", "n3", 1))
				b.callees[0].expect("ACK ")
			}
			b.callees[1].expect("INVITE ")
			if got := b.count("attempts_total", "trunk", "out0", "outcome", "refused", "code", "401"); got != 1 {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestNextCallIsPreauthorised has credentials in the first INVITE of the next
// call, counted up.
func TestNextCallIsPreauthorised(t *testing.T) {
	b := newBed(t, withAuthOut)
	b.caller.send(b.caller.invite("one"))
	b.callees[0].ask(b.callees[0].expect("INVITE "), 407, askMD5)
	b.callees[0].expect("ACK ")
	one := proof(t, b.callees[0].expect("INVITE "))
	b.caller.send(b.caller.invite("two"))
	two := proof(t, b.callees[0].expect("INVITE "))
	if one.Count != 1 || two.Count != 2 || two.Nonce != "n1" || one.CNonce == two.CNonce {
		t.Errorf("%+v\n%+v", one, two)
	}
}

// TestCallerGetsNoCredentials has the caller's side challenge our BYE, and the
// called side pass a challenge of others on: either would learn the trunk's
// password by guessing at the answer.
func TestCallerGetsNoCredentials(t *testing.T) {
	b := newBed(t, withAuthOut)
	d := b.connect(b.caller, "one")
	b.callees[0].send(b.callees[0].toDialog("BYE", d.invite, 2))
	b.callees[0].expect("SIP/2.0 200")
	bye := b.caller.expect("BYE ")
	b.caller.ask(bye, 401, askMD5)
	b.caller.silence()
	if n := len(b.edge.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestChallengeFromAnotherAddress(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withAuthOut(c)
		c.Trunks[1].Allow = prefixes("127.0.0.1/32", "127.0.0.7/32")
	})
	b.caller.send(b.caller.invite("one"))
	invite := b.callees[0].expect("INVITE ")
	other := newPeer(t, "127.0.0.7")
	other.edge = b.addr
	other.ask(invite, 401, askMD5)
	b.callees[0].expect("ACK ")
	b.callees[1].expect("INVITE ")
}

func TestRealmIsTheTrunksHost(t *testing.T) {
	for name, want := range map[string]bool{"127.0.0.1": true, "carrier.example": false, "": false} {
		tr, err := newTrunk(TrunkConfig{Name: "x", Carrier: "x", Addr: "127.0.0.1", AuthOut: AuthOut{Username: "u", Password: "p"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := message.Challenge{Realm: name, Nonce: "n"}
		if got := tr.auth.user.Realm == c.Realm; got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	for _, bad := range []AuthOut{{Username: "a\"b"}, {Username: "a", Realm: "b\r\nX: y"}, {Username: `a\`}} {
		if _, err := newTrunk(TrunkConfig{Name: "x", Carrier: "x", Addr: "127.0.0.1", AuthOut: bad}, nil); err == nil {
			t.Error(fmt.Sprintf("%q", bad.Username) + " is taken")
		}
	}
}

// TestChallengedInDialog has the called side ask for a digest at a re-INVITE that
// the caller's side asked for.
func TestChallengedInDialog(t *testing.T) {
	b := newBed(t, withAuthOut)
	d := b.connect(b.caller, "one")
	bob := b.callees[0]
	hold := strings.Replace(b.caller.inDialog("INVITE", d.answer, 2), "Content-Length: 0\r\n\r\n", "", 1) +
		fmt.Sprintf("Contact: <sip:%s>\r\n", b.caller.addr)
	b.caller.send(withBody(hold, b.caller.sdp()+"a=sendonly\r\n"))
	first := bob.expect("INVITE ")
	bob.ask(first, 407, askMD5)
	if ack := bob.expect("ACK "); header(ack, "Via") != header(first, "Via") || header(ack, "CSeq") != header(first, "CSeq")[:2]+"ACK" {
		t.Errorf("not the first one's:\n%s", ack)
	}
	second := bob.expect("INVITE ")
	proof(t, second)
	if header(second, "CSeq") != "3 INVITE" || header(second, "To") != header(first, "To") || !strings.Contains(second, "a=sendonly") {
		t.Errorf("not the same again:\n%s", second)
	}
	bob.send(bob.reply(second, 200, bob.sdp()+"a=recvonly\r\n"))
	if ack := bob.expect("ACK "); header(ack, "Proxy-Authorization") != header(second, "Proxy-Authorization") {
		t.Errorf("not with its credentials:\n%s", ack)
	}
	if answer := b.caller.expect("SIP/2.0 200"); !strings.Contains(answer, "a=recvonly") {
		t.Errorf("the answer did not come through:\n%s", answer)
	}
	bob.ask(first, 407, askMD5) // our ACK was lost
	if ack := bob.expect("ACK "); header(ack, "Via") != header(first, "Via") {
		t.Errorf("not the first one's:\n%s", ack)
	}
}

// TestLongerSessionAfterAChallenge has the carrier's count of a nonce's uses go on.
func TestLongerSessionAfterAChallenge(t *testing.T) {
	b := newBench(t)
	b.trunks[0].auth, _ = newAuthorizer(AuthOut{Username: authUser, Password: authPassword, Realm: authRealm}, "")
	b.step("A INVITE")
	b.step("B0 401 h:WWW-Authenticate:_" + strings.ReplaceAll(askMD5, " ", "_"))
	if got := b.step("B0 422 h:Min-SE:_3600"); got != "B0 ACK, B0 INVITE" {
		t.Fatal(got)
	}
	if got := proof(t, b.last["B0"]); got.Count != 2 {
		t.Errorf("%+v", got)
	}
}

// TestRungBeforeAChallenge has the early dialogs of a challenged INVITE end with it,
// though the next one's have the same tag.
func TestRungBeforeAChallenge(t *testing.T) {
	script(t, func(b *bench) {
		b.trunks[0].auth, _ = newAuthorizer(AuthOut{Username: authUser, Password: authPassword, Realm: authRealm}, "")
	}, [][2]string{
		{"A INVITE", dialled},
		{"B0 183+sdp rseq-5", "B0 PRACK, report B0 ok, remote B, ring, A 183+sdp"},
		{"B0 401 h:WWW-Authenticate:_" + strings.ReplaceAll(askMD5, " ", "_"), "B0 ACK, B0 INVITE"},
		{"B0 183+moved rseq-1", "B0 PRACK, remote B, A 183+sdp"},
		{"B0 200", "B0 ACK, answered, A 200+sdp"},
	}...)
}
