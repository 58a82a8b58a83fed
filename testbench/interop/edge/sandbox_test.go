//go:build peers

package edge

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/e164"
)

// While a sandbox is used, node-smpp and SIPp's side hear nothing; what is live goes
// on beside it.
func TestTheSandboxAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	admin, err := os.ReadFile(filepath.Join(m.dir, "data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	var test, live struct{ Key string }
	owner := strings.TrimSpace(string(admin))
	if status := m.rest(owner, http.MethodPost, "/v1/keys", `{"tenant":"shop","role":"owner","test":true}`, &test); status != http.StatusCreated {
		t.Fatalf("the test key: %d", status)
	}
	if status := m.rest(owner, http.MethodPost, "/v1/keys", `{"tenant":"shop","role":"owner"}`, &live); status != http.StatusCreated {
		t.Fatalf("the live key: %d", status)
	}
	// Nobody else has these numbers here, so that whatever shows them is of the sandbox.
	one, other := e164.MustParse("+447700900611"), e164.MustParse("+447700900622")
	pair := func(key string, a, b e164.Number) (s shown) {
		body := fmt.Sprintf(`{"pool":"uk","participants":[{"number":%q},{"number":%q}]}`, a.Reveal(), b.Reveal())
		if status := m.rest(key, http.MethodPost, "/v1/sessions", body, &s); status != http.StatusCreated {
			t.Fatalf("the session: %d", status)
		}
		return s
	}
	tried := pair(test.Key, one, other)
	m.sub("the sandbox", func(t *testing.T) {
		var sent struct{ State, Livemode any }
		body := fmt.Sprintf(`{"from":%q,"text":"your order is ready"}`, one.Reveal())
		if status := m.rest(test.Key, http.MethodPost, "/v1/sessions/"+tried.ID+"/messages", body, &sent); status != http.StatusCreated || sent.Livemode != false {
			t.Errorf("%d %+v", status, sent)
		}
		var in struct{ Accepted bool }
		body = fmt.Sprintf(`{"from":%q,"to":%q,"text":"thank you"}`, other.Reveal(), tried.dial(1).Reveal())
		if status := m.rest(test.Key, http.MethodPost, "/v1/sandbox/inbound-sms", body, &in); status != http.StatusOK || !in.Accepted {
			t.Errorf("%d %+v", status, in)
		}
		var call struct{ Answered, Heard bool }
		body = fmt.Sprintf(`{"from":%q,"to":%q}`, one.Reveal(), tried.dial(0).Reveal())
		if status := m.rest(test.Key, http.MethodPost, "/v1/sandbox/inbound-call", body, &call); status != http.StatusOK || !call.Answered || !call.Heard {
			t.Errorf("%d %+v", status, call)
		}
		var got struct{ Data []struct{ To string } }
		m.rest(test.Key, http.MethodGet, "/v1/sandbox/messages", "", &got)
		if len(got.Data) != 2 || got.Data[0].To != other.Reveal() || got.Data[1].To != one.Reveal() {
			t.Errorf("they got %+v", got)
		}
	})
	m.sub("what is live", func(t *testing.T) {
		if n := len(m.submitted("alfa")) + len(m.submitted("bravo")); n != 0 {
			t.Errorf("%d messages of a sandbox came to node-smpp", n)
		}
		s := pair(live.Key, rider, driver)
		m.reach(rider, s.dial(0), "alfa", driver)
		if status := m.rest(test.Key, http.MethodGet, "/v1/sessions/"+s.ID, "", nil); status != http.StatusNotFound {
			t.Errorf("the test key finds a live session: %d", status)
		}
		if status := m.rest(live.Key, http.MethodGet, "/v1/sessions/"+tried.ID, "", nil); status != http.StatusNotFound {
			t.Errorf("the live key finds a session of the sandbox: %d", status)
		}
		all := append(m.submitted("alfa"), m.submitted("bravo")...)
		if len(all) != 1 || all[0].To != digits(driver) {
			t.Errorf("node-smpp took %d messages", len(all))
		}
	})
	if strings.Contains(string(m.log()), "7700900611") || strings.Contains(string(m.log()), "7700900622") {
		t.Error("a number of the sandbox is in the log")
	}
	m.finish(map[string]int{"SMPP to a carrier": 1})
}
