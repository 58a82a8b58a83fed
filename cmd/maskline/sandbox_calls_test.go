package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/api/sandbox"
)

func (w *web) call(from, to string) reply {
	w.t.Helper()
	return w.ask(http.MethodPost, "/v1/sandbox/inbound-call", `{"from":"`+from+`","to":"`+to+`"}`)
}

func (w *web) called() []sandbox.Called {
	w.t.Helper()
	var list struct{ Data []sandbox.Called }
	if err := json.Unmarshal([]byte(w.ask(http.MethodGet, "/v1/sandbox/calls", "").want(http.StatusOK).text), &list); err != nil {
		w.t.Fatal(err)
	}
	return list.Data
}

func TestCallsOfTheSandbox(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	id, masks := test.pair("1", tester, friend)
	if g := test.call(tester, masks[0]).want(http.StatusOK); g.body["answered"] != true || g.body["heard"] != true || g.body["livemode"] != false {
		t.Errorf("the call: %s", g.text)
	}
	if got := test.called(); len(got) != 1 || got[0].From != masks[1] || got[0].To != friend || got[0].Carrier != "sandbox-1" {
		t.Errorf("the friend was called by %+v", got)
	}
	w.eventually("its end is told", func() bool {
		return strings.Contains(test.ask(http.MethodGet, "/v1/events?limit=1000", "").text, `"call.ended"`)
	})
	if g := w.as("shop", "owner").ask(http.MethodGet, "/v1/events?limit=1000", ""); strings.Contains(g.text, `"call.`) {
		t.Errorf("it is told as live: %s", g.text)
	}
	// Only who takes part is let through, and nobody when it is over by the clock.
	if g := test.call("+447700900303", masks[0]).want(http.StatusOK); g.body["answered"] != false || g.body["code"] == nil {
		t.Errorf("a stranger: %s", g.text)
	}
	test.call("+447911123456", masks[0]).wantProblem(problem.InvalidNumber)
	test.call(tester, "+447911123456").wantProblem(problem.InvalidNumber)
	test.advance(2 * time.Hour).want(http.StatusOK)
	if g := test.call(tester, masks[0]).want(http.StatusOK); g.body["answered"] != false {
		t.Errorf("%s has ended: %s", id, g.text)
	}
	if got := test.called(); len(got) != 1 {
		t.Errorf("the friend was called %d times", len(got))
	}
}

func TestMagicNumbersOfCalls(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	masks := map[string]string{}
	codes := map[string]float64{"71": 404, "76": 0, "77": 503, "79": 503, "81": 603, "82": 404, "83": 486, "84": 480, "85": 603, "00": 0, "80": 0}
	for digits := range codes {
		_, both := test.pair(digits, tester, "+4477009004"+digits)
		masks[digits] = both[0]
	}
	var all sync.WaitGroup
	turns := make(chan struct{}, mostCalls)
	for digits, want := range codes {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			g := test.call(tester, masks[digits])
			if code, _ := g.body["code"].(float64); g.status != http.StatusOK || code != want || g.body["answered"] != (want == 0) {
				t.Errorf("%s: %d %s, expected %v", digits, g.status, g.text, want)
			}
		})
	}
	all.Wait()
	seen := map[string]int{}
	for _, c := range test.called() {
		seen[c.To[len(c.To)-2:]]++
	}
	if seen["76"] != 2 || seen["79"] != 2 || seen["81"] != 0 || seen["83"] != 1 {
		t.Errorf("calls to carriers: %v", seen)
	}
	for _, m := range sandbox.Magics() {
		if want, is := codes[m.Digits]; is && want != 0 && !strings.Contains(m.Call, fmt.Sprint(want)) {
			t.Errorf("%s is said to be %q", m.Digits, m.Call)
		}
	}
}

// A call that is asked for rings at both people of the sandbox, with masks, by its
// carriers.
func TestACallByTheSandbox(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	id, masks := test.pair("1", tester, friend)
	call := test.ask(http.MethodPost, "/v1/sessions/"+id+"/calls", "{}", idempotency, "call").want(http.StatusCreated).field("id")
	w.eventually("both were called and see masks", func() bool {
		got := test.called()
		return len(got) == 2 && got[0].To == tester && got[0].From == masks[0] && got[1].To == friend && got[1].From == masks[1]
	})
	w.eventually("they talk", func() bool {
		return test.ask(http.MethodGet, "/v1/calls/"+call, "").want(http.StatusOK).field("state") == "connected"
	})
	test.ask(http.MethodDelete, "/v1/calls/"+call, "").want(http.StatusOK)
	w.eventually("it ends", func() bool {
		return test.ask(http.MethodGet, "/v1/calls/"+call, "").field("outcome") == "completed"
	})
}
