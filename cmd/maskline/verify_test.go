package main

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/testbench/smppsim"
)

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// workflow makes a workflow that writes from the pool uk.
func (o *outboundBed) workflow(change words) string {
	o.t.Helper()
	body := words{"name": "sign up", "template": "Your code for the shop: {code}", "pool": "uk"}
	for key, value := range change {
		body[key] = value
	}
	s := o.ask("shop", http.MethodPost, "/v1/workflows", body)
	o.want(s, http.StatusCreated, "")
	return s.id()
}

// begin begins a verification and returns its id and the code that arrived.
func (o *outboundBed) begin(workflow, to string) (id, code string) {
	o.t.Helper()
	s := o.ask("shop", http.MethodPost, "/v1/verifications", words{"workflow_id": workflow, "to": to})
	o.want(s, http.StatusCreated, "")
	return s.id(), o.arrived(to)
}

// arrived is the code that the one message at alfa holds.
func (o *outboundBed) arrived(to string) string {
	o.t.Helper()
	all := o.smsc["alfa"].TakeSubmitted()
	if len(all) != 1 || "+"+all[0].Destination != to {
		o.t.Fatalf("%d messages were sent, not the one", len(all))
	}
	code := sixDigits.FindString(all[0].Text)
	if all[0].Text != "Your code for the shop: "+code || !strings.HasPrefix(all[0].Source, "442079460") {
		o.t.Fatal("the message is not the template with a code, from a mask of the pool")
	}
	return code
}

func (o *outboundBed) guess(id, code string) reply {
	o.t.Helper()
	return o.ask("shop", http.MethodPost, "/v1/verifications/"+id+"/check", words{"code": code})
}

// another is a code that is wrong.
func another(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

func TestACodeArrivesAndVerifies(t *testing.T) {
	o := startOutbound(t)
	workflow := o.workflow(nil)
	body := words{"workflow_id": workflow, "to": outBob}
	started := o.ask("shop", http.MethodPost, "/v1/verifications", body, "once")
	o.want(started, http.StatusCreated, "")
	code := o.arrived(outBob)
	again := o.ask("shop", http.MethodPost, "/v1/verifications", body, "once")
	o.want(again, http.StatusCreated, "")
	if again.id() != started.id() || len(o.smsc["alfa"].TakeSubmitted()) != 0 {
		t.Error("the same request has sent another code")
	}
	if started.body["status"] != "pending" || started.body["to"] == outBob || started.body["attempts_left"] != 5.0 {
		t.Errorf("it says %s", started.text)
	}
	wrong := o.guess(started.id(), another(code))
	o.want(wrong, 422, problem.CodeWrong)
	if wrong.body["next_step"] != "check_again" || !strings.Contains(wrong.text, "4 attempts are left") {
		t.Errorf("it says %s", wrong.text)
	}
	right := o.ask("shop", http.MethodPost, "/v1/rpc/verifyCode", words{"verification_id": started.id(), "code": code})
	o.want(right, http.StatusOK, "")
	if right.body["success"] != true || right.body["next_step"] != "continue" || right.body["attempts_left"] != 3.0 {
		t.Errorf("it says %s", right.text)
	}
	// A code is good once.
	o.want(o.guess(started.id(), code), 410, problem.CodeExpired)

	o.eventually("the timeline ends with the receipt", func() bool {
		s := o.ask("reader", http.MethodGet, "/v1/verifications/"+started.id(), nil)
		return s.body["status"] == "verified" && strings.Contains(s.text, `"delivered"`) && strings.Contains(s.text, `"submitted"`)
	})
	o.told("shop", "verification.sent", "verification.status", "verification.succeeded")
	stats := o.ask("reader", http.MethodGet, "/v1/stats/verifications", nil)
	o.want(stats, http.StatusOK, "")
	if !strings.Contains(stats.text, `"prefix":"44770","started":1,"verified":1`) || !strings.Contains(stats.text, `"verified_within_10s":1`) {
		t.Errorf("it says %s", stats.text)
	}
	for path, method := range map[string]string{
		"/v1/verifications/" + started.id(): http.MethodGet, "/v1/verifications/" + started.id() + "/check": http.MethodPost,
		"/v1/verifications/" + started.id() + "/resend": http.MethodPost, "/v1/workflows/" + workflow: http.MethodDelete,
	} {
		var body any
		if strings.HasSuffix(path, "/check") {
			body = words{"code": code}
		}
		o.want(o.ask("outlet", method, path, body), 404, problem.NotFound)
	}
	o.want(o.ask("outlet", http.MethodPost, "/v1/verifications", words{"workflow_id": workflow, "to": outBob}), 404, problem.NotFound)
	o.noLeak(code, "code for the shop: "+code, "7700900212")
}

func TestTooManyGuesses(t *testing.T) {
	o := startOutbound(t)
	id, code := o.begin(o.workflow(nil), outBob)
	var statuses [2]int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			s := o.guessQuietly(id, another(code))
			mu.Lock()
			defer mu.Unlock()
			switch s {
			case 422:
				statuses[0]++
			case 429:
				statuses[1]++
			}
		})
	}
	group.Wait()
	if statuses != [2]int{5, 7} {
		t.Errorf("%d guesses were compared, %d refused", statuses[0], statuses[1])
	}
	o.told("shop", "verification.sent", "verification.status", "verification.failed")
	s := o.guess(id, code)
	o.want(s, 429, problem.AttemptsExhausted)
	if s.body["next_step"] != "start_again" {
		t.Errorf("it says %s", s.text)
	}
	o.want(o.ask("shop", http.MethodPost, "/v1/verifications/"+id+"/resend", nil), 429, problem.AttemptsExhausted)
}

// guessQuietly is guess for goroutines: it keeps no answer.
func (o *outboundBed) guessQuietly(id, code string) int {
	r := o.client("shop").request(http.MethodPost, "/v1/verifications/"+id+"/check", `{"code":"`+code+`"}`, "Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// rewind makes a verification older.
func (o *outboundBed) rewind(id string, by time.Duration) {
	o.t.Helper()
	at, err := numberdb.ParseID(numberdb.VerificationPrefix, id)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.store.ChangeVerification(o.t.Context(), "shop", at, func(v *numberdb.Verification) bool {
		v.Expires, v.NextSend = v.Expires.Add(-by), v.NextSend.Add(-by)
		return true
	}); err != nil {
		o.t.Fatal(err)
	}
}

func TestAnotherCode(t *testing.T) {
	o := startOutbound(t)
	id, first := o.begin(o.workflow(words{"codes": 2}), outBob)
	resend := func(key ...string) reply {
		return o.ask("shop", http.MethodPost, "/v1/verifications/"+id+"/resend", nil, key...)
	}
	early := resend()
	o.want(early, 429, problem.RateLimited)
	if early.header.Get("Retry-After") == "" || early.body["reason"] != "spacing" {
		t.Errorf("it says %s", early.text)
	}
	o.rewind(id, 10*time.Minute)
	late := o.guess(id, first)
	o.want(late, 410, problem.CodeExpired)
	if late.body["next_step"] != "resend" {
		t.Errorf("it says %s", late.text)
	}
	// Where nobody takes it, the code before is as good as it was.
	for _, name := range []string{"alfa", "bravo"} {
		o.smsc[name].SetMode(smppsim.Gone)
		o.up(name, false)
	}
	o.want(resend("second"), 503, problem.CarrierUnavailable)
	if s := o.ask("shop", http.MethodGet, "/v1/verifications/"+id, nil); s.body["codes_sent"] != 1.0 {
		t.Errorf("it says %s", s.text)
	}
	o.smsc["alfa"].SetMode(smppsim.Accept)
	o.up("alfa", true)
	o.want(resend("second"), http.StatusOK, "")
	second := o.arrived(outBob)
	o.want(resend("second"), http.StatusOK, "")
	if n := len(o.smsc["alfa"].TakeSubmitted()); n != 0 {
		t.Error("the same request has sent another code")
	}
	if first != second {
		o.want(o.guess(id, first), 422, problem.CodeWrong)
	}
	o.rewind(id, 3*time.Minute)
	o.want(resend(), 429, problem.AttemptsExhausted)
	o.want(o.guess(id, second), http.StatusOK, "")
}

func TestVerificationsThatAreRefused(t *testing.T) {
	o := startOutbound(t)
	workflow := o.workflow(nil)
	start := func(to string) reply {
		return o.ask("shop", http.MethodPost, "/v1/verifications", words{"workflow_id": workflow, "to": to})
	}
	o.want(start("112"), 422, problem.EmergencyNumber)
	o.want(start("+442079460100"), 422, problem.NumberIsMask)
	o.want(start("07700900212"), 422, problem.InvalidNumber)
	o.optOut(outAlice)
	o.want(start(outAlice), 409, problem.OptedOut)
	for _, name := range []string{"alfa", "bravo"} {
		o.smsc[name].SetMode(smppsim.Gone)
		o.up(name, false)
	}
	o.want(start(outBob), 503, problem.CarrierUnavailable)
	left, err := o.store.Verifications(t.Context(), numberdb.VerificationQuery{Tenant: numberdb.AnyTenant})
	if err != nil || len(left) != 0 {
		t.Errorf("%d verifications are left, %v", len(left), err)
	}
	o.nothingLeft()
	o.smsc["alfa"].SetMode(smppsim.Accept)
	o.up("alfa", true)
	for range 5 {
		o.want(start(outBob), http.StatusCreated, "")
	}
	tooMany := start(outBob)
	o.want(tooMany, 429, problem.RateLimited)
	if tooMany.body["reason"] != "number" || tooMany.header.Get("Retry-After") == "" {
		t.Errorf("it says %s", tooMany.text)
	}
}

// A prefix whose codes nobody types in is stopped, for that tenant alone.
func TestPumpedPrefix(t *testing.T) {
	o := startOutbound(t)
	workflow := o.workflow(nil)
	begun, _ := o.begin(workflow, "+998123499998")
	earlier := time.Now().UTC().Add(-10 * time.Minute).Truncate(time.Microsecond)
	for i := range 50 {
		v := numberdb.Verification{
			ID: numberdb.ID(i + 1), Tenant: "shop", Workflow: 1, To: e164.MustParse("+99812340000"), Prefix: "998123", Digits: 6, Round: 1, Rounds: 1, Most: 5,
			Created: earlier, Expires: earlier.Add(time.Minute), Until: earlier.Add(time.Hour), Code: "123456",
		}
		if i < 4 {
			v.State, v.Verified = numberdb.VerificationVerified, earlier.Add(time.Second)
		}
		if err := o.store.AddVerification(t.Context(), &v, numberdb.VerificationLimit{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	o.verify.Count(t.Context())
	pumped := o.ask("shop", http.MethodPost, "/v1/verifications", words{"workflow_id": workflow, "to": "+998123499999"})
	o.want(pumped, 429, problem.RateLimited)
	if pumped.body["reason"] != "low_conversion" {
		t.Errorf("it says %s", pumped.text)
	}
	again := o.ask("shop", http.MethodPost, "/v1/verifications/"+begun+"/resend", nil)
	o.want(again, 429, problem.RateLimited)
	if again.body["reason"] != "low_conversion" {
		t.Errorf("of another code it says %s", again.text)
	}
	o.want(o.ask("shop", http.MethodPost, "/v1/verifications", words{"workflow_id": workflow, "to": "+998124499999"}), http.StatusCreated, "")
	if out := o.get("/metrics").body; !strings.Contains(out, "maskline_api_verification_prefixes_stopped 1") {
		t.Error("the prefix is not counted")
	}
}

func TestWorkflows(t *testing.T) {
	o := startOutbound(t)
	for name, c := range map[string]struct {
		change words
		fields []string
	}{
		"no place for the code":  {words{"template": "Your code"}, []string{"body.template"}},
		"two places":             {words{"template": "{code} {code}"}, []string{"body.template"}},
		"another alphabet":       {words{"template": "Код {code}"}, []string{"body.template"}},
		"two segments":           {words{"template": "{code}" + strings.Repeat("x", 151)}, []string{"body.template"}},
		"two segments of braces": {words{"template": "{code}" + strings.Repeat("^", 76)}, []string{"body.template"}},
		"no pool":                {words{"pool": "us"}, []string{"body.pool"}},
		"a sender and a pool":    {words{"sender": "+442079460100"}, []string{"body.sender"}},
		"no mask":                {words{"pool": "", "sender": "+442079460999"}, []string{"body.sender"}},
		"two faults":             {words{"template": "Your code", "pool": "us", "channels": []string{"email"}}, []string{"body.template", "body.channels", "body.pool"}},
		"a short code":           {words{"code_length": 3}, []string{"body.code_length"}},
	} {
		body := words{"name": "x", "template": "{code}", "pool": "uk"}
		for key, value := range c.change {
			body[key] = value
		}
		s := o.ask("shop", http.MethodPost, "/v1/workflows", body)
		if s.status != 422 {
			t.Errorf("%s: %d %s", name, s.status, s.text)
		}
		for _, field := range c.fields {
			if !strings.Contains(s.text, `"`+field+`"`) {
				t.Errorf("%s: %s is not in %s", name, field, s.text)
			}
		}
	}
	id := o.workflow(words{"template": "{code}" + strings.Repeat("x", 150), "pool": "", "sender": "+442079460101"})
	o.want(o.ask("shop", http.MethodPost, "/v1/workflows", words{"name": "sign up", "template": "{code}", "pool": "uk"}), 422, problem.ValidationFailed)
	changed := o.ask("shop", http.MethodPut, "/v1/workflows/"+id, words{"name": "log in", "template": "{code}", "pool": "uk", "code_length": 4})
	o.want(changed, http.StatusOK, "")
	got := o.ask("reader", http.MethodGet, "/v1/workflows/"+id, nil)
	if got.text != changed.text || got.body["code_length"] != 4.0 || got.body["name"] != "log in" {
		t.Errorf("it says %s", got.text)
	}
	if s := o.ask("shop", http.MethodGet, "/v1/workflows", nil); !strings.Contains(s.text, id) {
		t.Errorf("the list is %s", s.text)
	}
	o.want(o.ask("shop", http.MethodDelete, "/v1/workflows/"+id, nil), http.StatusNoContent, "")
	o.want(o.ask("shop", http.MethodGet, "/v1/workflows/"+id, nil), 404, problem.NotFound)
}
