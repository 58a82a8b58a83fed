package sip

import (
	"strings"
	"testing"
	"time"

	"maskline/routing"
)

func TestFailoverRules(t *testing.T) {
	type ask struct {
		code, cause int
		want        bool
	}
	cases := []struct {
		name  string
		rules []string
		asks  []ask
	}{
		{"code", []string{"503"}, []ask{{503, 0, true}, {503, 34, true}, {500, 0, false}, {486, 0, false}}},
		{"range", []string{"500-502"}, []ask{{500, 0, true}, {502, 0, true}, {503, 0, false}}},
		{"code with a cause", []string{"404;cause=2"}, []ask{{404, 2, true}, {404, 1, false}, {404, 0, false}}},
		{"none", []string{}, []ask{{503, 0, false}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			table, err := newFailover(c.rules)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range c.asks {
				if got := table.on(a.code, a.cause); got != a.want {
					t.Errorf("%d cause %d: %v", a.code, a.cause, got)
				}
			}
		})
	}
}

func TestFailoverRulesRefused(t *testing.T) {
	for _, rule := range []string{"", "200", "700", "x", "503-", "502-500", "486", "400-499", "600-699", "404;cause=", "404;cause=0", "404;cause=128", "404;reason=2"} {
		if _, err := newFailover([]string{rule}); err == nil || !strings.Contains(err.Error(), "failover_on") {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func TestAnswerFor(t *testing.T) {
	want := map[int]int{
		300: 480, 302: 480, 380: 480,
		400: 500, 401: 503, 403: 403, 428: 500, 436: 500, 437: 500, 438: 500, 433: 433, 404: 404, 407: 503, 408: 408, 410: 404, 415: 488, 420: 500, 421: 500, 422: 500,
		480: 480, 481: 500, 482: 482, 483: 483, 484: 484, 486: 486, 487: 480, 488: 488, 491: 500,
		500: 500, 501: 500, 502: 502, 503: 503, 504: 504, 505: 500, 580: 500,
		600: 600, 603: 603, 604: 604, 606: 488, 607: 607, 608: 608,
	}
	for code, w := range want {
		if got := answerFor(code); got != w {
			t.Errorf("%d becomes %d, want %d", code, got, w)
		}
	}
	for code := 300; code < 700; code++ {
		if got := answerFor(code); got < 400 || got > 699 || got == 401 || got == 407 || got == 410 || got == 420 {
			t.Errorf("%d becomes %d", code, got)
		}
	}
}

func TestCarriersFault(t *testing.T) {
	for code, want := range map[int]bool{500: true, 503: true, 504: true, 401: true, 407: true, 408: true, 404: false, 480: false, 486: false, 487: false, 603: false, 302: false} {
		if got := isCarriersFault(code, false); got != want {
			t.Errorf("%d: %v", code, got)
		}
	}
	if isCarriersFault(408, true) {
		t.Error("408 after ringing is the subscriber's")
	}
}

// TestRefusals has an answer for every verdict there is.
func TestRefusals(t *testing.T) {
	policy := routing.Answer{}
	want := map[routing.Verdict]refusal{
		routing.Forward:          {500, causeTemporary, "forward"},
		routing.UnknownMask:      {404, causeUnallocated, "unknown_mask"},
		routing.OutOfSession:     {404, causeUnallocated, "out_of_session"},
		routing.Ended:            {404, causeUnallocated, "ended"},
		routing.ServiceOff:       {480, causeRejected, "service_off"},
		routing.NotAllowed:       {403, causeRejected, "not_allowed"},
		routing.Loop:             {482, 0, "loop"},
		routing.EmergencyRefused: {403, causeRejected, "emergency_refused"},
		routing.NoCarrier:        {503, causeNoCircuit, "no_carrier"},
		routing.Blocked:          {603, causeRejected, "blocked"},
		routing.RuleRefused:      {603, causeRejected, "rule"},
		routing.OptedOut:         {603, causeRejected, "opted_out"},
		routing.OptOut:           {603, causeRejected, "opt_out"},
		routing.OptIn:            {603, causeRejected, "opt_in"},
		routing.Help:             {603, causeRejected, "help"},
		routing.OptOutFull:       {603, causeRejected, "opt_out_full"},
		routing.FirstContact:     {480, causeTemporary, "first_contact"},
		routing.SpendLimit:       {480, causeTemporary, "spend_limit"},
	}
	for _, v := range routing.Verdicts() {
		if got, ok := want[v]; !ok || refusalFor(v, policy) != got {
			t.Errorf("%v: %+v", v, refusalFor(v, policy))
		}
	}
	configured := map[int]refusal{
		404: {404, causeUnallocated, "ended"},
		480: {480, causeRejected, "ended"},
		603: {603, causeRejected, "ended"},
		410: {404, causeUnallocated, "ended"}, // would mean that the number changed
		200: {404, causeUnallocated, "ended"},
	}
	for code, w := range configured {
		if got := refusalFor(routing.Ended, routing.Answer{Code: code}); got != w {
			t.Errorf("code %d: %+v", code, got)
		}
	}
}

func TestTokens(t *testing.T) {
	ids, err := newTokens(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newTokens([]byte("another key 1234"))
	k := token{call: 1 << 60, kind: tagToken, leg: legA, seq: 513}
	text := ids.String(k)
	if got, ok := ids.open(text, tagToken); !ok || got != k {
		t.Fatalf("%+v", got)
	}
	branch := ids.branch(token{call: 5, kind: branchToken})
	if got, ok := ids.openBranch(branch, branchToken); !ok || got.call != 5 {
		t.Fatalf("%+v", got)
	}
	for name, text := range map[string]string{
		"another kind": ids.String(token{call: 1, kind: callIDToken}), "another key": other.String(k),
		"changed": "a" + text[1:], "short": text[1:], "empty": "", "capitals": strings.ToUpper(text), "made up": strings.Repeat("a", tokenLetter),
	} {
		if text == ids.String(k) {
			continue
		}
		if _, ok := ids.open(text, tagToken); ok {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := newTokens([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}

func TestClientTransaction(t *testing.T) {
	now := simStart
	var c client
	c.begin([]byte("x"), false, overUDP, now)
	if c.final(true, now); c.state != txDone || c.final(true, now) {
		t.Error("a final response counts twice")
	}
	c.begin([]byte("x"), true, overUDP, now)
	if c.provisional(); c.due(now.Add(time.Hour)) != txNothing {
		t.Error("an INVITE that rings times out by itself")
	}
	c.begin([]byte("x"), false, overUDP, now)
	c.provisional()
	if c.due(now.Add(t1)) != txResend || !c.next().Equal(now.Add(t1+t2)) {
		t.Error("a request with a provisional answer is not repeated every T2")
	}
	if c.due(now.Add(t64)) != txTimeout || !c.next().IsZero() {
		t.Error("no timeout")
	}
}

// TestReliableTransactions has none of the timers that are for datagrams.
func TestReliableTransactions(t *testing.T) {
	now := simStart
	var c client
	for _, invite := range []bool{true, false} {
		c.begin([]byte("x"), invite, overTCP, now)
		if c.due(now.Add(t64-1)) != txNothing || c.due(now.Add(t64)) != txTimeout {
			t.Errorf("invite %v: repeated, or no timeout", invite)
		}
	}
	c.begin([]byte("x"), true, overTLS, now)
	if c.final(false, now); c.state != txCompleted || c.due(now) != txNothing || c.state != txDone {
		t.Error("timer D runs")
	}
	c.begin([]byte("x"), false, overTLS, now)
	if !c.lost(now) || c.due(now.Add(t1)) != txResend || c.due(now.Add(3*t1)) != txResend {
		t.Error("what was lost with its connection is not sent again")
	}
	c.begin([]byte("x"), false, overUDP, now)
	if c.lost(now) {
		t.Error("an undeliverable datagram is repeated")
	}

	s := server{state: txProceeding, conn: 1}
	s.respond(486, []byte("x"), now)
	if s.due(now.Add(t2)) != txNothing {
		t.Error("timer G runs")
	}
	if !s.acknowledged(now) || s.state != txDone {
		t.Error("timer I runs")
	}
	s = server{state: txProceeding, conn: 1}
	s.respond(200, []byte("x"), now)
	if s.due(now.Add(t1)) != txResend {
		t.Error("a 2xx is not repeated")
	}
}
