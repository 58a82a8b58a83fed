package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/api/sandbox"
)

func (w *web) advance(by time.Duration) reply {
	w.t.Helper()
	return w.ask(http.MethodPost, "/v1/sandbox/advance-clock", `{"seconds":`+strconv.FormatInt(int64(by/time.Second), 10)+`}`)
}

func TestTheClockOfTheSandboxEndsSessions(t *testing.T) {
	w := watched(t)
	test, other := w.inSandbox("shop"), w.inSandbox("taxi")
	id, masks := test.pair("1", tester, friend)
	theirs, _ := other.pair("1", tester, friend)
	live := w.as("shop", "owner")
	outside := live.ask(http.MethodPost, "/v1/sessions", fictionalPair, idempotency, "1").want(http.StatusCreated)
	test.advance(59 * time.Minute).want(http.StatusOK)
	test.send("2", id, tester, "in time").want(http.StatusCreated)
	test.advance(2 * time.Minute).want(http.StatusOK)
	test.send("3", id, tester, "too late").wantProblem(problem.SessionClosed)
	if g := test.write(friend, masks[1], "too late").want(http.StatusOK); g.body["accepted"] != false {
		t.Error("an ended session takes messages")
	}
	if g := test.ask(http.MethodGet, "/v1/sessions/"+id, "").want(http.StatusOK); g.field("state") != "expired" {
		t.Errorf("it says %s", g.text)
	}
	w.eventually("the end is told", func() bool {
		return strings.Contains(test.ask(http.MethodGet, "/v1/events?limit=1000", "").text, `"session.expired"`)
	})
	// Nobody else's clock has moved.
	for who, c := range map[*web]string{other: theirs, live: outside.field("id")} {
		if g := who.ask(http.MethodGet, "/v1/sessions/"+c, "").want(http.StatusOK); g.field("state") != "active" {
			t.Errorf("it says %s", g.text)
		}
	}
	// A new session lives by the clock as it is.
	again, _ := test.pair("4", tester, friend)
	sent := test.send("5", again, tester, "hello").want(http.StatusCreated)
	w.eventually("it is delivered", func() bool {
		return test.ask(http.MethodGet, "/v1/messages/"+sent.field("id"), "").field("state") == "delivered"
	})
	// After a day of quarantine the keys of idempotency are forgotten too.
	test.advance(25 * time.Hour).want(http.StatusOK)
	if next, _ := test.pair("1", tester, friend); next == id {
		t.Error("an idempotency key is remembered for more than a day")
	}
}

func TestTheClockOfTheSandboxNeverGoesBack(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	for name, body := range map[string]string{
		"back": `{"seconds":-60}`, "not at all": `{"seconds":0}`, "by two years": `{"seconds":63072000}`, "no number": `{"seconds":"60"}`,
		"a part": `{"seconds":0.5}`, "beyond all": `{"seconds":9223372036854775807}`, "more than all": `{"seconds":1e300}`, "nothing": `{}`,
	} {
		if g := test.ask(http.MethodPost, "/v1/sandbox/advance-clock", body); g.status != http.StatusUnprocessableEntity && g.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, g.status, g.text)
		}
	}
	at := func() time.Time {
		now, err := time.Parse(time.RFC3339Nano, test.ask(http.MethodGet, "/v1/sandbox/clock", "").field("now"))
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	if ahead := time.Until(at()); ahead > time.Second || ahead < -time.Minute {
		t.Errorf("it is ahead by %v", ahead)
	}
	const year = 365 * 24 * time.Hour
	for range 10 {
		test.advance(year).want(http.StatusOK)
	}
	test.advance(time.Second).wantProblem(problem.ValidationFailed)
	if ahead := time.Until(at()); ahead < sandbox.MaxAdvance-time.Minute {
		t.Errorf("it is ahead by %v", ahead)
	}
	id, _ := test.pair("1", tester, friend)
	test.send("2", id, tester, "from the future").want(http.StatusCreated)
}

func TestTheClockIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	c, err := loadClock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.advance(90 * time.Minute); err != nil {
		t.Fatal(err)
	}
	again, err := loadClock(path)
	if err != nil || again.ahead.Load() != int64(90*time.Minute) {
		t.Errorf("%v", err)
	}
	for _, text := range []string{"", "-1", "soon", "99999999999999999999", "315360001"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadClock(path); err == nil {
			t.Errorf("%q is taken for a clock", text)
		}
	}
}

var codeInText = regexp.MustCompile(`[0-9]{6}`)

func TestAVerificationInTheSandbox(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	workflow := test.ask(http.MethodPost, "/v1/workflows", `{"name":"sign up","template":"Your code for the shop: {code}","pool":"uk"}`).want(http.StatusCreated)
	begin := func(key, to string) reply {
		return test.ask(http.MethodPost, "/v1/verifications", `{"workflow_id":"`+workflow.field("id")+`","to":"`+to+`"}`, idempotency, key)
	}
	last := func() string {
		all := test.got()
		if len(all) == 0 {
			t.Fatal("nobody has got a code")
		}
		return codeInText.FindString(all[len(all)-1].Text)
	}
	v := begin("1", friend).want(http.StatusCreated)
	path := "/v1/verifications/" + v.field("id")
	test.ask(http.MethodPost, path+"/check", `{"code":"`+last()+`"}`).want(http.StatusOK)
	// A code that has expired is worth nothing, and a new one is.
	v = begin("2", "+447700900303").want(http.StatusCreated)
	path = "/v1/verifications/" + v.field("id")
	test.ask(http.MethodPost, path+"/resend", `{}`, idempotency, "3").wantProblem(problem.RateLimited)
	old := last()
	test.advance(11 * time.Minute).want(http.StatusOK)
	test.ask(http.MethodPost, path+"/check", `{"code":"`+old+`"}`).wantProblem(problem.CodeExpired)
	test.ask(http.MethodPost, path+"/resend", `{}`, idempotency, "4").want(http.StatusOK)
	test.ask(http.MethodPost, path+"/check", `{"code":"`+last()+`"}`).want(http.StatusOK)
	begin("5", "+447700900379").wantProblem(problem.CarrierUnavailable)
	begin("6", "+447700900380").wantProblem(problem.OptedOut)
	w.as("shop", "owner").ask(http.MethodGet, path, "").wantProblem(problem.NotFound)
}
