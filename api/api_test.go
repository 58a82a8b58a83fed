package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReady(t *testing.T) {
	good := State{Listening: true, Table: numberdb.Freshness{Loaded: true, Up: true}}
	cases := []struct {
		name   string
		change func(*State)
		ready  bool
	}{
		{"all is well", func(*State) {}, true},
		{"store away, table loaded", func(s *State) { s.Table.Up, s.Table.Stale = false, true }, true},
		{"table not loaded", func(s *State) { s.Table.Loaded = false }, false},
		{"not listening", func(s *State) { s.Listening = false }, false},
		{"draining", func(s *State) { s.Draining = true }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			state := good
			c.change(&state)
			h := &Health{
				Started:  time.Now(),
				State:    func() State { return state },
				Carriers: func() []*routing.Carrier { return nil },
				Links:    func() Links { return Links{Calls: 3} },
			}
			mux := http.NewServeMux()
			h.Routes(mux)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			var report Report
			if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
				t.Fatal(err)
			}
			if (w.Code == http.StatusOK) != c.ready || report.Ready != c.ready || report.Calls != 3 || report.Table.Stale != state.Table.Stale {
				t.Fatalf("%d %+v", w.Code, report)
			}
			w = httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
			if w.Code != http.StatusOK {
				t.Fatalf("the process works, but /healthz says %d", w.Code)
			}
			w = httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/readyz", nil))
			if w.Code != http.StatusMethodNotAllowed {
				t.Fatalf("POST answers %d", w.Code)
			}
		})
	}
}

// ledger of what a fake store was asked for.
type fakeBindings struct {
	rows    int
	err     error
	partial string
}

func (f *fakeBindings) Import(_ context.Context, csv io.Reader) (int, error) {
	if _, err := io.Copy(io.Discard, csv); err != nil {
		return 0, err
	}
	return f.rows, f.err
}

func (f *fakeBindings) Export(_ context.Context, w io.Writer) (int, error) {
	_, _ = io.WriteString(w, f.partial)
	return 0, f.err
}

func control(t *testing.T, c *Control) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(c.Handler())
	t.Cleanup(s.Close)
	return s
}

func TestImportAnswers(t *testing.T) {
	faults := &numberdb.Faults{List: []numberdb.Fault{{Line: 3, Column: 2, Field: "to", Want: "expected something else"}}, More: 7}
	cases := []struct {
		name string
		fake fakeBindings
		code int
		want string
	}{
		{"applied", fakeBindings{rows: 12}, http.StatusOK, ""},
		{"faults", fakeBindings{err: faults}, http.StatusUnprocessableEntity, "the file has faults, nothing of it was applied\nline 3, column 2 (to): expected something else\nand 7 more"},
		{"store away", fakeBindings{err: errors.New("the store is away")}, http.StatusServiceUnavailable, "the store is away"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := control(t, &Control{Bindings: &c.fake})
			resp, err := s.Client().Post(s.URL+"/bindings", "text/csv", strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != c.code {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if c.want == "" {
				var result struct{ Rows int }
				if err := json.NewDecoder(resp.Body).Decode(&result); err != nil || result.Rows != 12 {
					t.Fatalf("%v, %d rows", err, result.Rows)
				}
			} else if err := ReadProblem(resp.Body); err == nil || err.Error() != c.want {
				t.Fatalf("the problem reads %q", err)
			}
		})
	}
}

func TestAnExportThatBreaksIsNotTakenForWhole(t *testing.T) {
	s := control(t, &Control{Bindings: &fakeBindings{partial: "mask,party\n", err: errors.New("broken")}})
	s.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	resp, err := s.Client().Get(s.URL + "/bindings")
	if err != nil {
		return // broken before anything came
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Fatalf("%d octets came as if they were all", len(body))
	}
}

func TestExplainRefusesNonsense(t *testing.T) {
	s := control(t, &Control{Explain: func(q Question) (Explanation, error) {
		if q.From == "" {
			return Explanation{}, errors.New("from: expected a number")
		}
		return Explanation{Verdict: "forward"}, nil
	}})
	for body, code := range map[string]int{
		`{"from":"1","to":"2","service":"sms"}`: http.StatusOK,
		`{"to":"2"}`:                            http.StatusUnprocessableEntity,
		`{"unknown":1}`:                         http.StatusBadRequest,
		`[`:                                     http.StatusBadRequest,
		`{"from":"` + strings.Repeat("1", maxAsked) + `"}`: http.StatusBadRequest,
	} {
		resp, err := s.Client().Post(s.URL+"/route", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("%.40s: %d, want %d", body, resp.StatusCode, code)
		}
		if strings.Contains(string(text), "11111") {
			t.Error("the answer repeats the question")
		}
	}
}

func TestServeBoundsHeaders(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.NotFoundHandler(), ServerConfig{HeaderTimeout: 50 * time.Millisecond}, zap.NewNop())
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	// The header never ends; the server does not wait for it.
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatalf("the connection was kept: %v", err)
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/" + strings.Repeat("x", 64<<10))
	if err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Fatalf("a request line of 64 KiB was answered %d", resp.StatusCode)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
}
