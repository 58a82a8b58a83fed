package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/auth/authtest"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a desk that has sessions already.
type shelf map[numberdb.ID]numberdb.Session

func (s shelf) Create(context.Context, *api.SessionRequest, *numberdb.Attempt) (numberdb.Session, bool, error) {
	return numberdb.Session{}, false, problem.Unavailable()
}

func (s shelf) Get(_ context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	session, is := s[id]
	if !is || tenant != numberdb.AnyTenant && session.Tenant != tenant {
		return session, problem.New(problem.NotFound)
	}
	return session, nil
}

func (s shelf) List(context.Context, numberdb.SessionQuery) ([]numberdb.Session, error) {
	return nil, problem.Unavailable()
}

func (s shelf) Change(context.Context, string, numberdb.ID, *SessionChange) (numberdb.Session, bool, error) {
	return numberdb.Session{}, false, problem.Unavailable()
}

var created = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func sample() numberdb.Session {
	party := e164.MustParse("+447700900101")
	return numberdb.Session{
		ID: 77, Tenant: "shop", Pool: "uk", Services: numberdb.SMS | numberdb.Voice, Created: created, Expires: created.Add(time.Hour),
		Participants: []numberdb.Participant{{Number: party, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party}, Dial: e164.MustParse("+442079460011")}},
		Label:        "order of +447700900101",
	}
}

func readers() authtest.Texts {
	scopes := []auth.Scope{auth.SessionsRead}
	return authtest.Texts{
		"Bearer shop":     {Key: "key_1", Tenant: "shop", Scopes: scopes},
		"Bearer other":    {Key: "key_2", Tenant: "other", Scopes: scopes},
		"Bearer operator": {Key: "key_3", Scopes: append([]auth.Scope{auth.PIIRead}, scopes...)},
		"Bearer blind":    {Key: "key_4", Tenant: "shop", Scopes: []auth.Scope{auth.EventsRead}},
	}
}

// serve runs an API with these sessions and returns its address.
func serve(t *testing.T, cfg Config, desk SessionDesk, more ...func(*API)) string {
	t.Helper()
	a, err := New(cfg, readers(), time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	(&Sessions{Desk: desk, Now: func() time.Time { return created }}).Register(a)
	for _, register := range more {
		register(a)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	return server.URL
}

type got struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func ask(t *testing.T, method, url, key, body string) got {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	g := got{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &g.body)
	return g
}

func (g got) wantProblem(t *testing.T, code problem.Code) {
	t.Helper()
	if g.status != problem.Of(code).Status || g.body["code"] != string(code) || g.header.Get("Content-Type") != problemType {
		t.Errorf("%d %s %s, want %s", g.status, g.header.Get("Content-Type"), g.text, code)
	}
	if id := g.header.Get("X-Request-Id"); id == "" || g.body["request_id"] != id {
		t.Errorf("request %q is told as %v", id, g.body["request_id"])
	}
}

func TestASessionIsRead(t *testing.T) {
	url := serve(t, Config{}, shelf{77: sample()})
	path := url + "/v1/sessions/" + numberdb.ID(77).Text("ses_")
	g := ask(t, http.MethodGet, path, "shop", "")
	if g.status != http.StatusOK || g.header.Get("ETag") == "" || strings.Contains(g.text, "7700900101") || !strings.Contains(g.text, `"dial":"+442079460011"`) {
		t.Errorf("%d %v %s", g.status, g.header, g.text)
	}
	whole := ask(t, http.MethodGet, path, "operator", "")
	if !strings.Contains(whole.text, `"number":"+447700900101"`) || whole.header.Get("ETag") != g.header.Get("ETag") {
		t.Errorf("%v %s", whole.header, whole.text)
	}
	ask(t, http.MethodGet, path, "other", "").wantProblem(t, problem.NotFound)
	ask(t, http.MethodGet, path, "blind", "").wantProblem(t, problem.InsufficientScope)
	ask(t, http.MethodGet, path, "", "").wantProblem(t, problem.Unauthorized)
	ask(t, http.MethodGet, path, "nobody's", "").wantProblem(t, problem.Unauthorized)
}

func TestWhatIsNotThere(t *testing.T) {
	url := serve(t, Config{}, shelf{77: sample()})
	id := numberdb.ID(77).Text("ses_")
	cases := []struct {
		name, method, path string
		code               problem.Code
	}{
		{"no such path", http.MethodGet, "/v1/nothing", problem.NotFound},
		{"no such session", http.MethodGet, "/v1/sessions/" + numberdb.ID(78).Text("ses_"), problem.NotFound},
		{"no id", http.MethodGet, "/v1/sessions/%27%20OR%201%3D1--", problem.NotFound},
		{"traversal", http.MethodGet, "/v1/sessions/..%2f..%2fetc", problem.NotFound},
		{"dots", http.MethodGet, "/v1/sessions/../../etc", problem.NotFound},
		{"two slashes", http.MethodGet, "/v1//sessions/" + id, problem.NotFound},
		{"slash at the end", http.MethodGet, "/v1/sessions/" + id + "/", problem.NotFound},
		{"CR and LF", http.MethodGet, "/v1/sessions/a%0d%0aSet-Cookie:%20x=1", problem.NotFound},
		{"method", http.MethodPut, "/v1/sessions/" + id, problem.MethodNotAllowed},
		{"NUL in a parameter", http.MethodGet, "/v1/sessions?tenant=7700900123%00", problem.ValidationFailed},
		{"no UTF-8 in a parameter", http.MethodGet, "/v1/sessions?tenant=7700900123%ff", problem.ValidationFailed},
		{"unknown parameter", http.MethodGet, "/v1/sessions/" + id + "?drop=7700900123", problem.ValidationFailed},
		{"long id", http.MethodGet, "/v1/sessions/" + strings.Repeat("x", 65), problem.ValidationFailed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := ask(t, c.method, url+c.path, "shop", "")
			g.wantProblem(t, c.code)
			for _, echo := range []string{"7700900123", "etc", "Cookie", "OR 1", "xxxx", "drop"} {
				if strings.Contains(g.text, echo) {
					t.Errorf("the answer repeats %q: %s", echo, g.text)
				}
			}
			if c.code == problem.MethodNotAllowed && g.header.Get("Allow") == "" {
				t.Error("it does not say which methods there are")
			}
		})
	}
}

type bodyInput struct {
	Body struct {
		Number string `json:"number" maxLength:"16" pattern:"^\\+[0-9]+$"`
		Count  int    `json:"count,omitempty" maximum:"10"`
		Inner  []struct {
			Name string `json:"name"`
		} `json:"inner,omitempty"`
	}
}

// echo adds an operation with a body.
func echo(idempotent bool) func(*API) {
	return func(a *API) {
		Register(a, Operation{
			ID: "echo", Method: http.MethodPost, Path: "/v1/echo", Summary: "Test", Tag: "test", Scope: auth.SessionsRead, Status: http.StatusCreated, Idempotent: idempotent,
		}, func(ctx context.Context, in *bodyInput) (*Answer[map[string]string], error) {
			answer := map[string]string{"number": in.Body.Number}
			if attempt := Attempt(ctx); attempt != nil {
				answer["fingerprint"] = string(attempt.Fingerprint[:2])
			}
			return Answering(answer), nil
		})
	}
}

func TestBodies(t *testing.T) {
	url := serve(t, Config{Body: 2048}, shelf{}, echo(false)) + "/v1/echo"
	const secret = "7700900123"
	cases := []struct {
		name, body string
		code       problem.Code
		fields     []string
	}{
		{"nothing", "", problem.MalformedRequest, nil},
		{"no JSON", `{"number": ` + secret, problem.MalformedRequest, []string{"body"}},
		{"two values", `{"number":"+1"} {"number":"` + secret + `"}`, problem.MalformedRequest, []string{"body"}},
		{"too large", `{"number":"+1","inner":"` + strings.Repeat(secret, 300) + `"}`, problem.BodyTooLarge, nil},
		{"too deep", strings.Repeat(`[`, 1000), problem.MalformedRequest, []string{"body"}},
		{"NUL", `{"number":"+1","inner":[{"name":"` + secret + `\u0000"}]}`, problem.MalformedRequest, []string{"body"}},
		{"wrong types, all at once", `{"number":` + secret + `,"count":"` + secret + `","inner":[{"name":7}]}`, problem.ValidationFailed, []string{"body.number", "body.count", "body.inner[0].name"}},
		{"unknown field", `{"number":"+1","` + secret + `":1}`, problem.ValidationFailed, []string{"body"}},
		{"unknown field with dots", `{"number":"+1","number.` + secret + `.count":1}`, problem.ValidationFailed, []string{"body.number"}},
		{"missing", `{}`, problem.ValidationFailed, []string{"body"}},
		{"pattern", `{"number":"` + secret + `"}`, problem.ValidationFailed, []string{"body.number"}},
		{"too great a number", `{"number":"+1","count":1e400}`, problem.MalformedRequest, []string{"body"}},
		{"no integer", `{"number":"+1","count":1.5}`, problem.ValidationFailed, []string{"body.count"}},
		{"null", `null`, problem.ValidationFailed, []string{"body"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := ask(t, http.MethodPost, url, "shop", c.body)
			g.wantProblem(t, c.code)
			if strings.Contains(g.text, secret) {
				t.Errorf("the answer repeats what came: %s", g.text)
			}
			var p problem.Problem
			if err := json.Unmarshal([]byte(g.text), &p); err != nil {
				t.Fatal(err)
			}
			told := map[string]bool{}
			for _, f := range p.Errors {
				told[f.Field] = true
			}
			for _, want := range c.fields {
				if !told[want] {
					t.Errorf("%s is not told: %s", want, g.text)
				}
			}
		})
	}
	if g := ask(t, http.MethodPost, url, "shop", `{"number":"+1"}`); g.status != http.StatusCreated {
		t.Errorf("%d %s", g.status, g.text)
	}
}

func TestASlowBodyIsGivenUp(t *testing.T) {
	url := serve(t, Config{Read: 50 * time.Millisecond}, shelf{}, echo(false))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /v1/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer shop\r\nContent-Length: 100\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(text), "408 Request Timeout") || !strings.Contains(string(text), "request-timeout") {
		t.Errorf("%v: %s", err, text)
	}
}

type brokenInput struct {
	After int `query:"after" doc:"It breaks after so many octets."`
}

type brokenOutput struct{ Body func(huma.Context) }

// A handler that breaks is answered with a problem; where a part of its answer is on
// the wire, nobody takes that for the whole.
func TestABrokenHandler(t *testing.T) {
	url := serve(t, Config{}, shelf{}, func(a *API) {
		Register(a, Operation{ID: "break", Method: http.MethodGet, Path: "/v1/break", Summary: "Test", Tag: "test", Scope: auth.SessionsRead},
			func(_ context.Context, in *brokenInput) (*brokenOutput, error) {
				return &brokenOutput{func(to huma.Context) {
					if in.After > 0 {
						_, _ = to.BodyWriter().Write(bytes.Repeat([]byte(" "), in.After))
					}
					panic("broken")
				}}, nil
			})
	}) + "/v1/break"
	ask(t, http.MethodGet, url, "shop", "").wantProblem(t, problem.Internal)
	for _, after := range []string{"1", "100000"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"?after="+after, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer shop")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			t.Errorf("after %s octets: %d and %d octets", after, resp.StatusCode, len(text))
		}
	}
}

// Who may not do something is counted as well: a middleware that is added stands
// before the check of the scope.
func TestTheScopeIsCheckedBehindOtherMiddlewares(t *testing.T) {
	a, err := New(Config{}, readers(), time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	a.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		counted++
		next(ctx)
	})
	(&Sessions{Desk: shelf{77: sample()}, Now: func() time.Time { return created }}).Register(a)
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	path := server.URL + "/v1/sessions/" + numberdb.ID(77).Text("ses_")
	ask(t, http.MethodGet, path, "blind", "").wantProblem(t, problem.InsufficientScope)
	ask(t, http.MethodGet, path, "nobody's", "").wantProblem(t, problem.Unauthorized)
	if counted != 1 {
		t.Errorf("%d requests are counted, and one was recognised", counted)
	}
}

func TestTheDocument(t *testing.T) {
	url := serve(t, Config{Version: "v9"}, shelf{}, echo(true))
	g := ask(t, http.MethodGet, url+"/v1/openapi.json", "", "")
	for _, want := range []string{`"openapi":"3.1.0"`, `"/v1/sessions/{id}"`, `"operationId":"getSession"`, `"version":"v9"`, `Idempotency-Key`, `"#/components/schemas/Problem"`} {
		if !strings.Contains(g.text, want) {
			t.Errorf("no %s in %s", want, g.text)
		}
	}
	if strings.Contains(g.text, "ErrorModel") {
		t.Error("it names errors that nothing answers with")
	}
	page := ask(t, http.MethodGet, url+"/v1/docs", "", "")
	if page.status != http.StatusOK || strings.Contains(page.text, "//") || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %s", page.status, page.text)
	}
	ask(t, http.MethodGet, url+"/v1/problems/nothing", "", "").wantProblem(t, problem.NotFound)
	if g := ask(t, http.MethodGet, url+"/v1/problems/pool-exhausted", "", ""); g.status != http.StatusOK || g.body["status"] != 409.0 {
		t.Errorf("%d %s", g.status, g.text)
	}
}
