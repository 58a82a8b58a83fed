package client

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestWhatIsSentAgain(t *testing.T) {
	read, write, once := &call{method: http.MethodGet}, &call{method: http.MethodPost}, &call{method: http.MethodPost, idempotent: true}
	for name, c := range map[string]struct {
		of    *call
		err   error
		again bool
		wait  time.Duration
	}{
		"a read without an answer":             {read, &lostError{err: errors.New("reset")}, true, 0},
		"a write that may have been done":      {write, &lostError{err: errors.New("reset")}, false, 0},
		"a write that was not sent":            {write, &lostError{err: errors.New("refused"), unsent: true}, true, 0},
		"a named write without an answer":      {once, &lostError{err: errors.New("reset")}, true, 0},
		"a write that is limited":              {write, &Problem{Status: 429, Code: "rate-limited", RetryAfter: 2}, true, 2 * time.Second},
		"a guess too many":                     {write, &Problem{Status: 429, Code: "attempts-exhausted"}, false, 0},
		"a quota that is used up":              {once, &Problem{Status: 429, Code: "quota-exceeded"}, false, 0},
		"a write to an edge that ends":         {write, &Problem{Status: 503, Code: "maintenance", RetryAfter: 1}, true, time.Second},
		"a write while the store is away":      {write, &Problem{Status: 503, Code: "storage-unavailable", RetryAfter: 1}, false, time.Second},
		"a named write while the store's away": {once, &Problem{Status: 503, Code: "storage-unavailable", RetryAfter: 1}, true, time.Second},
		"the same is still under way":          {once, &Problem{Status: 409, Code: "idempotency-conflict", RetryAfter: 1}, true, time.Second},
		"a read by a proxy that is alone":      {read, &Problem{Status: 502, Code: "http-502"}, true, 0},
		"a wrong request":                      {once, &Problem{Status: 422, Code: "validation-failed"}, false, 0},
		"no key":                               {read, &Problem{Status: 401, Code: "unauthorized"}, false, 0},
		"what is no answer of the API":         {read, errors.New("json"), false, 0},
	} {
		if wait, again := c.of.again(c.err); again != c.again || wait != c.wait {
			t.Errorf("%s: %v after %v", name, again, wait)
		}
	}
}

func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		of   *call
		want string
	}{
		"an id":       {&call{path: "/v1/sessions/{id}/burn", inPath: []string{"ses_1"}}, "/v1/sessions/ses_1/burn"},
		"a mask":      {&call{path: "/v1/numbers/{number}", inPath: []string{"44:60123"}}, "/v1/numbers/44:60123"},
		"a traversal": {&call{path: "/v1/sessions/{id}", inPath: []string{"../keys?a=b"}}, "/v1/sessions/..%2Fkeys%3Fa=b"},
		"a brace":     {&call{path: "/v1/sessions/{id}", inPath: []string{"{id}"}}, "/v1/sessions/%7Bid%7D"},
		"a query":     {&call{path: "/v1/sessions", query: ListSessionsQuery{Limit: 5, Live: true, Tenant: "a b"}}, "/v1/sessions?limit=5&live=true&tenant=a+b"},
		"no query":    {&call{path: "/v1/sessions", query: ListSessionsQuery{}}, "/v1/sessions"},
	} {
		if got, _, err := c.of.encode(""); err != nil || got != c.want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if _, _, err := (&call{path: "/v1/sessions/{id}", inPath: []string{""}}).encode(""); err == nil {
		t.Error("an empty id is taken")
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	for _, cfg := range []Config{
		{URL: "edge.example", Key: "k"},
		{URL: "ftp://edge.example", Key: "k"},
		{URL: "https://u:p@edge.example", Key: "k"},
		{URL: "https://edge.example"},
		{URL: "https://edge.example", Key: "a\r\nb"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%q is taken", cfg.URL)
		}
	}
}
