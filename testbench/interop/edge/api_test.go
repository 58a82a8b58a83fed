//go:build peers

package edge

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rest sends a request to /v1 with a key; nobody's number may be in the answer.
func (m *masked) rest(key, method, path, body string, into any) (status int) {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), method, "http://"+m.edge.Listeners().API.String()+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Idempotency-Key", method+path)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	m.judge.text(method+" "+path, text)
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			m.t.Fatalf("%d %s", resp.StatusCode, text)
		}
	}
	return resp.StatusCode
}

// A tenant's key makes a session over HTTP; node-smpp's messages and SIPp's calls
// reach the other side at once, and are refused as soon as DELETE has answered.
func TestASessionByAPIAmongForeignPeers(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	admin, err := os.ReadFile(filepath.Join(m.dir, "data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ Key string }
	if status := m.rest(strings.TrimSpace(string(admin)), http.MethodPost, "/v1/keys", `{"tenant":"shop","role":"integrator"}`, &key); status != http.StatusCreated {
		t.Fatalf("the key: %d", status)
	}
	var s shown
	body := fmt.Sprintf(`{"pool":"uk","ttl":3600,"participants":[{"number":%q},{"number":%q}]}`, rider.Reveal(), driver.Reveal())
	if status := m.rest(key.Key, http.MethodPost, "/v1/sessions", body, &s); status != http.StatusCreated {
		t.Fatalf("the session: %d", status)
	}
	m.converse(s.dial(0), s.dial(1))
	m.sub("after DELETE", func(t *testing.T) {
		var ended shown
		if status := m.rest(key.Key, http.MethodDelete, "/v1/sessions/"+s.ID, "", &ended); status != http.StatusOK || ended.State != "released" {
			t.Errorf("%d, it is %s", status, ended.State)
		}
		m.comesLate(&s)
	})
	if status := m.rest("sk_live_"+strings.Repeat("0", 43), http.MethodGet, "/v1/sessions", "", nil); status != http.StatusUnauthorized {
		t.Errorf("another key: %d", status)
	}
	m.finish(map[string]int{"SMPP to a carrier": 6, "SIP": 18})
}
