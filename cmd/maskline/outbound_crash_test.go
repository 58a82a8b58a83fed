package main

import (
	"bytes"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"maskline/api"
	"maskline/testbench/await"
	"maskline/testbench/process"
	"maskline/testbench/smppsim"
)

// child starts the edge as a process of its own; kill ends it as a crash does.
func (o *outboundBed) child() (kill func()) {
	o.t.Helper()
	self, err := os.Executable()
	if err != nil {
		o.t.Fatal(err)
	}
	config, err := os.ReadFile(o.cli.path("edge.yaml"))
	if err != nil {
		o.t.Fatal(err)
	}
	edge, err := process.Start(o.t.Context(), process.Config{Binary: self, Dir: o.cli.dir, Text: string(config), Env: []string{asCommand + "=1"}})
	if err != nil {
		o.t.Fatal(err)
	}
	kill = func() {
		if err := edge.Kill(); err != nil {
			o.t.Error(err)
		}
	}
	o.t.Cleanup(kill)
	await.That(o.t, 10*time.Second, "the edge to bind", func() bool { return o.smsc["alfa"].Bound() > 0 })
	o.serve("http://" + edge.Listeners().API.String())
	return kill
}

// An edge that is killed between the submission and its answer sends the message no
// second time: the same request finds the message, whose outcome is not known.
func TestKilledWhileSending(t *testing.T) {
	o := &outboundBed{carriers: newCarriers(t, "any")}
	kill := o.child()
	o.cli.stock()
	session := into[api.Session](o.cli, "sessions", "create", "--tenant", "shop", "--pool", "uk", "--party", outAlice, "--party", outBob)
	path := "/v1/sessions/" + session.ID + "/messages"
	o.smsc["alfa"].SetMode(smppsim.Late)
	o.smsc["alfa"].Tap.Take()
	request := o.client("shop").request(http.MethodPost, path, `{"from":"`+outAlice+`","text":"once"}`, "Content-Type", "application/json", idempotency, "once")
	gone := make(chan struct{})
	go func() { // its answer never comes
		defer close(gone)
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if resp, err := client.Do(request); err == nil {
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
	o.child()
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
