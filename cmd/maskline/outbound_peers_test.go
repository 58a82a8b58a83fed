//go:build peers

package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/testbench/await"
	"maskline/testbench/pgtest"
	"maskline/testbench/script"
)

// nodeSMSC is a carrier made of node-smpp.
type nodeSMSC struct {
	*script.Script[nodeEvent]
	port int
}

type nodeEvent struct {
	Event, From, To, Text string
	Port, Registered      int
}

func startNode(t *testing.T, name string) *nodeSMSC {
	t.Helper()
	cmd, err := script.Node("../../testbench/interop", "sms/smsc.js", name)
	if err != nil {
		t.Fatal(err)
	}
	run, err := script.Start[nodeEvent](cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Close)
	s := &nodeSMSC{Script: run}
	await.That(t, 30*time.Second, name+" listens (node-smpp is needed: testbench/interop/peers.sh)", func() bool {
		for _, e := range s.all("listening") {
			s.port = e.Port
		}
		return s.port != 0
	})
	return s
}

func (s *nodeSMSC) all(kind string) []nodeEvent {
	return s.All(func(e *nodeEvent) bool { return e.Event == kind })
}

func (s *nodeSMSC) submitted() []nodeEvent { return s.all("submit") }

// Foreign carriers take a message and a code, over a store on Postgres.
func TestNodeTakesWhatTheEdgeWrites(t *testing.T) {
	server := pgtest.ForTest(t, "masks")
	alfa, bravo := startNode(t, "alfa"), startNode(t, "bravo")
	c := newCLI(t)
	address := func(s *nodeSMSC) string { return fmt.Sprintf("127.0.0.1:%d", s.port) }
	c.write("edge.yaml", fmt.Sprintf(hostedConfig, "any", address(alfa), "any", address(bravo))+"database: {url: \""+server.URL("masks")+"\"}\n")
	o := &outboundBed{carriers: &carriers{cli: c, running: startEdge(t, c)}}
	o.up("alfa", true)
	o.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	o.serve(o.url())

	s := o.couple(0)
	sent := o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText})
	o.want(sent, http.StatusCreated, "")
	o.state(sent.id(), "delivered")
	got := alfa.submitted()
	if len(got) != 1 || "+"+got[0].From != s.Participants[1].Dial.Reveal() || "+"+got[0].To != outBob || got[0].Text != secretText || got[0].Registered&1 == 0 {
		t.Fatalf("alfa got %d messages, not the one from the mask", len(got))
	}

	verification := o.ask("shop", http.MethodPost, "/v1/verifications", words{"workflow_id": o.workflow(nil), "to": outBob})
	o.want(verification, http.StatusCreated, "")
	got = alfa.submitted()
	if len(got) != 2 {
		t.Fatalf("alfa got %d messages", len(got))
	}
	code := sixDigits.FindString(got[1].Text)
	if !o.isOfPool(got[1].From) {
		t.Error("the code comes from no mask of the pool")
	}
	o.want(o.guess(verification.id(), another(code)), 422, problem.CodeWrong)
	o.want(o.guess(verification.id(), code), http.StatusOK, "")
	o.want(o.guess(verification.id(), code), 410, problem.CodeExpired)
	// Without the store nothing is sent, and nothing is left when it is back.
	if err := server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	o.want(o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText}, "later"), 503, problem.StorageUnavailable)
	o.want(o.guess(verification.id(), code), 503, problem.StorageUnavailable)
	if len(alfa.submitted()) != 2 {
		t.Error("a message was sent that the store does not know")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.eventually("the same request succeeds", func() bool {
		s := o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText}, "later")
		return s.status == http.StatusCreated && s.header.Get("Idempotent-Replayed") == ""
	})
	if len(alfa.submitted()) != 3 {
		t.Error("it was not sent once")
	}
	dump, err := server.Dump(t.Context(), "masks")
	if err != nil {
		t.Fatal(err)
	}
	o.text.Write(dump)
	o.noLeak(secretText, code+`"`, "shop: "+code, "7700900101", "7700900212")
}

func (o *outboundBed) isOfPool(from string) bool {
	for _, m := range o.sessions.Masks("uk") {
		if m.Number == e164.MustParse("+"+from) {
			return true
		}
	}
	return false
}
