//go:build peers

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	Tag                   string
	Port, Registered      int
	Status                int
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

// deliver has a subscriber write, and waits for the answer of the edge.
func (s *nodeSMSC) deliver(t *testing.T, from, to, text string) (status int) {
	t.Helper()
	tag := fmt.Sprint("deliver ", len(s.All(func(*nodeEvent) bool { return true })))
	if err := s.Tell(map[string]any{"tag": tag, "deliver": map[string]any{
		"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": strings.TrimPrefix(from, "+"),
		"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": strings.TrimPrefix(to, "+"), "short_message": text,
	}}); err != nil {
		t.Fatal(err)
	}
	await.That(t, 10*time.Second, "the edge's answer", func() bool {
		answers := s.All(func(e *nodeEvent) bool { return e.Event == "deliver_resp" && e.Tag == tag })
		if len(answers) > 0 {
			status = answers[0].Status
		}
		return len(answers) > 0
	})
	return status
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

// A foreign carrier's subscriber says STOP, HELP and YES: each is answered once, from the
// mask that it wrote to, and reaches nobody.
func TestNodeIsAnswered(t *testing.T) {
	alfa, bravo := startNode(t, "alfa"), startNode(t, "bravo")
	c := newCLI(t)
	address := func(s *nodeSMSC) string { return fmt.Sprintf("127.0.0.1:%d", s.port) }
	c.write("edge.yaml", fmt.Sprintf(hostedConfig, "any", address(alfa), "any", address(bravo))+repliesConfig)
	o := &outboundBed{carriers: &carriers{cli: c, running: startEdge(t, c)}}
	o.up("alfa", true)
	o.up("bravo", true)
	o.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	s := o.couple(0)
	mask := s.Participants[0].Dial.Reveal()
	texts := func() (all []string) {
		for _, e := range bravo.submitted() {
			if "+"+e.From != mask || "+"+e.To != outAlice {
				t.Error("an answer is not from the mask to who wrote")
			}
			all = append(all, e.Text)
		}
		return all
	}
	var want []string
	for _, c := range []struct{ word, answer string }{
		{"HELP", "Shop: write to us."}, {"STOP", "You will get no more."}, {"STOP", ""}, {"stop.", ""}, {"YES", "You will get messages again."}, {"STOP", "You will get no more."},
	} {
		if status := bravo.deliver(t, outAlice, mask, c.word); status != 0 {
			t.Errorf("%s is answered %#x", c.word, status)
		}
		if c.answer != "" {
			want = append(want, c.answer)
		}
		o.eventually("the answer to "+c.word, func() bool { return len(texts()) >= len(want) })
	}
	if got := texts(); !slices.Equal(got, want) {
		t.Errorf("answered %q, want %q", got, want)
	}
	if n := len(alfa.submitted()); n != 0 {
		t.Errorf("%d messages went by the other carrier", n)
	}
}
