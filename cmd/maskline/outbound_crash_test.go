package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api"
	"maskline/api/rest"
	"maskline/configs"
	"maskline/testbench/await"
	"maskline/testbench/smppsim"
)

// asOutbound makes the test's program an edge with the API of what it writes itself.
const asOutbound = "MASKLINE_TEST_OUTBOUND"

// outboundChild prints its address and serves until it is killed.
func outboundChild(file string) {
	die := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	cfg, err := configs.Load(file, func(string) (string, bool) { return "pw", true })
	die(err)
	e, err := newEdge(context.Background(), cfg, zap.NewNop(), prometheus.NewRegistry())
	die(err)
	die(e.Listen(context.Background()))
	go func() { die(e.Run(context.Background())) }()
	a, err := rest.New(rest.Config{}, testTokens(), time.Now, zap.NewNop(), prometheus.NewRegistry())
	die(err)
	e.registerOutbound(a)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	die(err)
	fmt.Println("http://" + l.Addr().String())
	die((&http.Server{Handler: a.Handler(), ReadHeaderTimeout: time.Minute}).Serve(l))
}

// child starts the edge as a process of its own; kill ends it as a crash does.
func (o *outboundBed) child() (kill func()) {
	o.t.Helper()
	self, err := os.Executable()
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), asOutbound+"="+o.cli.path("edge.yaml")), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		}
	}
	o.t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		o.t.Fatal(err)
	}
	o.url = strings.TrimSpace(line)
	await.That(o.t, 10*time.Second, "the edge to bind", func() bool { return o.smsc["alfa"].Bound() > 0 })
	return kill
}

// An edge that is killed between the submission and its answer sends the message no
// second time: the same request finds the message, whose outcome is not known.
func TestKilledWhileSending(t *testing.T) {
	o := &outboundBed{carriers: &carriers{cli: newCLI(t), running: &running{t: t}, smsc: map[string]*smppsim.SMSC{}}}
	for _, name := range []string{"alfa", "bravo"} {
		s, err := smppsim.StartSMSC(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		o.smsc[name] = s
	}
	o.configure("any")
	kill := o.child()
	o.cli.stock()
	session := into[api.Session](o.cli, "sessions", "create", "--tenant", "shop", "--pool", "uk", "--party", outAlice, "--party", outBob)
	path := "/v1/sessions/" + session.ID + "/messages"
	o.smsc["alfa"].SetMode(smppsim.Late)
	o.smsc["alfa"].Tap.Take()
	gone := make(chan struct{})
	go func() { // its answer never comes
		defer close(gone)
		r, err := http.NewRequest(http.MethodPost, o.url+path, strings.NewReader(`{"from":"`+outAlice+`","text":"once"}`))
		if err != nil {
			return
		}
		r.Header.Set("Authorization", "Bearer shop")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "once")
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if resp, err := client.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	await.That(t, 10*time.Second, "the message to be submitted", func() bool {
		return slices.ContainsFunc(o.smsc["alfa"].Tap.Frames(), func(frame []byte) bool { return bytes.Contains(frame, []byte("once")) })
	})
	kill()
	<-gone
	o.smsc["alfa"].SetMode(smppsim.Accept)
	if n := len(o.smsc["alfa"].TakeSubmitted()); n != 1 {
		t.Fatalf("the carrier has %d messages", n)
	}
	kill = o.child()
	defer kill()
	again := o.ask("shop", http.MethodPost, path, words{"from": outAlice, "text": "once"}, "once")
	o.want(again, http.StatusAccepted, "")
	if again.body["state"] != "accepted" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("it says %s", again.text)
	}
	o.want(o.ask("shop", http.MethodPost, path, words{"from": outAlice, "text": "twice"}, "twice"), http.StatusCreated, "")
	if all := o.smsc["alfa"].TakeSubmitted(); len(all) != 1 || all[0].Text != "twice" {
		t.Errorf("the carrier has %d messages more", len(all))
	}
}
