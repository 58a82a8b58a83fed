package verify

import (
	"regexp"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A guess at each state: what is answered, and whether it is counted. Without a
// store no code matches.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, c := range []struct {
		name    string
		v       numberdb.Verification
		code    problem.Code
		step    string
		counted bool
		after   numberdb.VerificationState
	}{
		{"wrong", numberdb.Verification{Most: 5}, problem.CodeWrong, stepCheckAgain, true, numberdb.VerificationPending},
		{"wrong for the last time", numberdb.Verification{Most: 5, Tries: 4}, problem.CodeWrong, stepStartAgain, true, numberdb.VerificationFailed},
		{"one too many", numberdb.Verification{Most: 5, Tries: 5}, problem.AttemptsExhausted, stepStartAgain, false, numberdb.VerificationPending},
		{"failed", numberdb.Verification{Most: 5, State: numberdb.VerificationFailed}, problem.AttemptsExhausted, stepStartAgain, false, numberdb.VerificationFailed},
		{"used", numberdb.Verification{Most: 5, State: numberdb.VerificationVerified}, problem.CodeExpired, stepStartAgain, false, numberdb.VerificationVerified},
		{"expired", numberdb.Verification{Most: 5, Expires: now, Round: 1, Rounds: 2}, problem.CodeExpired, stepResend, false, numberdb.VerificationPending},
		{"expired, the last code", numberdb.Verification{Most: 5, Expires: now, Round: 2, Rounds: 2}, problem.CodeExpired, stepStartAgain, false, numberdb.VerificationPending},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.v
			if v.Expires.IsZero() {
				v.Expires = now.Add(time.Second)
			}
			said, counted := judge(&v, "123456", now)
			if said == nil || said.Code != c.code || said.NextStep != c.step || counted != c.counted || v.State != c.after || counted != (v.Tries == c.v.Tries+1) {
				t.Errorf("%+v %v %+v", said, counted, v.State)
			}
		})
	}
}

func TestIntervalsOfCodesGrow(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	v := numberdb.Verification{Most: 5, Round: 1, Rounds: 3, NextSend: now.Add(20 * time.Second)}
	if p := mayResend(&v, now); p == nil || p.Code != problem.RateLimited || p.RetryAfter != 20*time.Second {
		t.Errorf("%+v", p)
	}
	if p := mayResend(&v, now.Add(20*time.Second)); p != nil {
		t.Errorf("%+v", p)
	}
	v.Round = 3
	if p := mayResend(&v, now.Add(time.Hour)); p == nil || p.Code != problem.AttemptsExhausted {
		t.Errorf("%+v", p)
	}
}

func TestCodes(t *testing.T) {
	form, seen := regexp.MustCompile(`^[0-9]+$`), map[string]bool{}
	zero := false
	for range 1000 {
		code := newCode(4)
		if len(code) != 4 || !form.MatchString(code) {
			t.Fatalf("a code of %d characters", len(code))
		}
		seen[code], zero = true, zero || code[0] == '0'
	}
	if len(seen) < 800 || !zero {
		t.Errorf("%d of 1000 differ, one begins with a zero: %v", len(seen), zero)
	}
}

func TestPrefixes(t *testing.T) {
	for number, want := range map[string]string{"+447700900123": "44770", "+998901234567": "998901", "+12025550123": "1202"} {
		if got := prefixOf(e164.MustParse(number)); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestBreaker(t *testing.T) {
	var b breaker
	cfg := Config{}.withDefaults().Breaker
	b.judge([]numberdb.VerificationCount{
		{Tenant: "shop", Prefix: "998901", Sent: 100, Verified: 9},
		{Tenant: "outlet", Prefix: "998901", Sent: 100, Verified: 10},
		{Tenant: "shop", Prefix: "44770", Sent: 49},
	}, &cfg)
	if !b.open("shop", "998901") || b.open("outlet", "998901") || b.open("shop", "44770") || b.length() != 1 {
		t.Error("the wrong prefixes are stopped")
	}
	b.judge(nil, &cfg)
	if b.open("shop", "998901") {
		t.Error("it stays stopped")
	}
}
