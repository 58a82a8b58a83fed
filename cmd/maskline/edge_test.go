package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api"
	"maskline/configs"
	"maskline/testbench/await"
)

// running is an edge of the test's own process.
type running struct {
	*edge
	t     *testing.T
	log   *logBuffer
	stop  context.CancelFunc
	ended chan error
}

func startEdge(t *testing.T, c *cli) *running {
	t.Helper()
	env := func(string) (string, bool) { return "pw", true }
	cfg, err := configs.Load(c.path("edge.yaml"), env)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, log: &logBuffer{}, ended: make(chan error, 1)}
	level := zap.NewAtomicLevelAt(zap.DebugLevel)
	log := newLoggerAt(r.log, level, "json")
	if r.edge, err = newEdge(t.Context(), cfg, log, prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	if err := r.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	reload := &reloader{file: c.path("edge.yaml"), env: env, level: level, log: log}
	reload.begin(r.edge)
	r.reload = reload.Reload
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			t.Errorf("the edge ended with %v", err)
		}
	})
	r.eventually("the edge is ready", func() bool {
		if r.cfg.API.TLS.ClientCA != "" { // its clients have to bring a certificate
			return r.fresh().Loaded
		}
		return r.get("/readyz").StatusCode == http.StatusOK
	})
	return r
}

// Where one socket cannot be opened, none stays open.
func TestAFailedListenLeavesNothingOpen(t *testing.T) {
	c := newCLI(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg, err := configs.Load(c.path("edge.yaml"), func(string) (string, bool) { return "pw", true })
	if err != nil {
		t.Fatal(err)
	}
	cfg.API.MetricsListen = netip.MustParseAddrPort(taken.Addr().String())
	e, err := newEdge(t.Context(), cfg, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if e.Listen(t.Context()) == nil {
		t.Fatal("it listens on a port that is taken")
	}
	for _, addr := range append(e.smppAddrs(), e.api.Addr()) {
		if conn, err := net.Dial("tcp", addr.String()); err == nil {
			conn.Close()
			t.Errorf("%v is still open", addr.Network())
		}
	}
}

func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	if !await.Within(10*time.Second, ok) {
		r.t.Fatalf("not in time: %s\n%s", what, r.log.bytes())
	}
}

type answered struct {
	*http.Response
	body string
}

func (r *running) get(path string) answered { return r.getFrom(r.api, path) }

func (r *running) getFrom(l net.Listener, path string) answered {
	r.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + l.Addr().String() + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answered{resp, string(body)}
}

func TestARunningEdgeIsReachedThroughItsSocket(t *testing.T) {
	c := newCLI(t)
	r := startEdge(t, c)
	if out := c.ok("routes", "import", "routes.csv", "--config", "edge.yaml"); out != "imported 2 bindings\n" {
		t.Errorf("import says %q", out)
	}
	// What the command has imported routes when it returns.
	if n := r.table.Len(); n != 2 {
		t.Fatalf("the table has %d bindings", n)
	}
	if out := c.ok("routes", "export", "--config", "edge.yaml"); out != testBindings {
		t.Fatalf("export differs:\n%s", out)
	}
	out := c.ok("route", "+447700900101", "442079460011", "--config", "edge.yaml")
	if !strings.HasPrefix(out, "verdict       no_carrier\n") || !strings.Contains(out, "alfa   down") || strings.Contains(out, "no edge runs") {
		t.Errorf("route does not know the carriers' state:\n%s", out)
	}
	c.write("bad.csv", strings.Replace(testBindings, "tel:", "tal:", 1))
	if code, _, errs := c.run("routes", "import", "bad.csv", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "line 2, column 29 (to)") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := c.run("route", "12", "442079460011", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "from: ") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestProfiles(t *testing.T) {
	c := newCLI(t)
	startEdge(t, c)
	for _, args := range [][]string{{"heap"}, {"goroutine"}, {"cpu", "--seconds", "1"}} {
		code, out, errs := c.run(append(append([]string{"profile"}, args...), "--config", "edge.yaml")...)
		if code != 0 || !strings.HasPrefix(out, "\x1f\x8b") { // pprof's files are compressed by gzip
			t.Errorf("%v: exit code %d, %d octets: %s", args, code, len(out), errs)
		}
	}
	code, _, errs := c.run("profile", "cpu", "--seconds", "61", "--config", "edge.yaml")
	if code != 1 || !strings.Contains(errs, "expected seconds from 1 to 60") {
		t.Errorf("61 seconds: exit code %d: %s", code, errs)
	}
}

func TestControlSocketIsForItsOwnerOnly(t *testing.T) {
	c := newCLI(t)
	startEdge(t, c)
	info, err := os.Stat(c.path("data/control.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", info.Mode())
	}
	if dir, err := os.Stat(c.path("data")); err != nil || dir.Mode().Perm() != 0o700 {
		t.Fatalf("%v, mode of data_dir %v", err, dir.Mode())
	}
}

func TestAnEdgeThatDoesNotAnswerIsNotWaitedForForEver(t *testing.T) {
	dir := t.TempDir()
	l, err := listenControl(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := findEdge(t.Context(), dir)
	if client == nil {
		t.Fatal("its socket is not found")
	}
	if _, err := client.exchange(t.Context(), time.Millisecond, http.MethodGet, "/status", nil, io.Discard); !errors.Is(err, errSilent) {
		t.Errorf("it ended with %v", err)
	}
}

func TestASecondEdgeIsRefused(t *testing.T) {
	c := newCLI(t)
	startEdge(t, c)
	code, _, errs := c.run("serve", "--config", "edge.yaml")
	if code != 1 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "another maskline process uses this data_dir") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	// Nor is the store opened behind the back of the one that runs.
	if code, _, errs := c.run("migrate", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "another maskline process") {
		t.Fatalf("exit %d: %s", code, errs)
	}
}

func TestHealth(t *testing.T) {
	c := newCLI(t)
	r := startEdge(t, c)
	var health map[string]string
	if err := json.Unmarshal([]byte(r.get("/healthz").body), &health); err != nil || health["status"] != "ok" {
		t.Fatalf("%v, %v", err, health)
	}
	var report api.Report
	if err := json.Unmarshal([]byte(r.get("/readyz").body), &report); err != nil {
		t.Fatal(err)
	}
	if !report.Ready || !report.Table.Loaded || len(report.Carriers) != 2 || report.Carriers[0].Up {
		t.Errorf("readiness says %+v", report)
	}
	metrics := r.get("/metrics").body
	for _, want := range []string{
		"maskline_routing_carrier_up{carrier=\"alfa\",service=\"sms\"} 0", "maskline_numberdb_bindings 0", "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if got := r.get("/nothing").StatusCode; got != http.StatusNotFound {
		t.Errorf("an unknown path answers %d", got)
	}
}

func TestMetricsElsewhere(t *testing.T) {
	c := newCLI(t)
	c.write("edge.yaml", strings.Replace(testConfig, `api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", metrics_listen: "127.0.0.1:0"}`, 1))
	r := startEdge(t, c)
	if got := r.get("/metrics").StatusCode; got != http.StatusNotFound {
		t.Errorf("the API still serves metrics: %d", got)
	}
	if got := r.getFrom(r.metricsOnly, "/metrics").StatusCode; got != http.StatusOK {
		t.Errorf("the metrics' own address answers %d", got)
	}
}

func TestADataDirOfYesterdayIsTakenOver(t *testing.T) {
	c := newCLI(t)
	if err := os.MkdirAll(c.path("data"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.write("data/control.sock", "left behind")
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	r := startEdge(t, c)
	if n := r.table.Len(); n != 2 {
		t.Fatalf("the edge has %d of the bindings that were imported before", n)
	}
}

func TestStartFaultsAreOneLine(t *testing.T) {
	c := newCLI(t)
	r := startEdge(t, c)
	cases := []struct{ name, config, want string }{
		{"port taken", strings.Replace(testConfig, `api: {listen: "127.0.0.1:0"}`, `api: {listen: "`+r.api.Addr().String()+`"}`, 1), "address already in use"},
		{"SMPP port taken", strings.Replace(testConfig, `smpp:
  listen: [{addr: "127.0.0.1:0"}]`, `smpp:
  listen: [{addr: "`+r.smppAddrs()[0].String()+`"}]`, 1), "address already in use"},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			c := newCLI(t)
			c.write("edge.yaml", k.config)
			code, _, errs := c.run("serve", "--config", "edge.yaml")
			last := errs[strings.LastIndex(strings.TrimRight(errs, "\n"), "\n")+1:]
			if code != 1 || !strings.HasPrefix(last, "maskline: starting: ") || !strings.Contains(last, k.want) {
				t.Fatalf("exit %d: %s", code, errs)
			}
		})
	}
	t.Run("key file open to others", func(t *testing.T) {
		c := newCLI(t)
		if err := os.MkdirAll(c.path("data"), 0o700); err != nil {
			t.Fatal(err)
		}
		c.write("data/master.key", "x")
		if err := os.Chmod(c.path("data/master.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, errs := c.run("serve", "--config", "edge.yaml")
		if code != 1 || !strings.Contains(errs, "chmod 600") {
			t.Fatalf("exit %d: %s", code, errs)
		}
	})
}
