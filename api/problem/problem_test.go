package problem

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestEveryCodeStandsInTheTableOnce(t *testing.T) {
	seen := map[Code]bool{}
	for _, about := range All() {
		if seen[about.Code] || about.Title == "" || http.StatusText(about.Status) == "" || about.Status < 400 {
			t.Errorf("%+v", about)
		}
		seen[about.Code] = true
		if got := Of(about.Code); got != about {
			t.Errorf("%s is %+v", about.Code, got)
		}
	}
	if Of("no-such-code").Code != Internal {
		t.Error("an unknown code is no internal error")
	}
}

func TestWrite(t *testing.T) {
	w := httptest.NewRecorder()
	e := &Error{Code: PoolExhausted, Detail: "all rest", Reason: "state", SuggestedPools: []string{"uk"}, RetryAfter: 1500 * time.Millisecond}
	e.Write(w, "req_1")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusConflict || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for field, want := range map[string]any{
		"type": "/v1/problems/pool-exhausted", "status": 409.0, "code": "pool-exhausted", "detail": "all rest", "request_id": "req_1",
		"reason": "state", "retry_after": 2.0,
	} {
		if got[field] != want {
			t.Errorf("%s is %v", field, got[field])
		}
	}
	if _, is := got["errors"]; is {
		t.Error("there are no faults of fields")
	}
}

func TestUnauthorizedNamesTheScheme(t *testing.T) {
	if got := New(Unauthorized).GetHeaders().Get("WWW-Authenticate"); got != `Bearer realm="maskline"` {
		t.Error(got)
	}
}
