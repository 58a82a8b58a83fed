//go:build peers

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/testbench/pgtest"
)

// nodeSMSC is a carrier made of node-smpp; what it got is kept.
type nodeSMSC struct {
	port int

	mu  sync.Mutex
	got []nodeEvent
}

type nodeEvent struct {
	Event, From, To, Text string
	Port, Registered      int
}

func startNode(t *testing.T, name string) *nodeSMSC {
	t.Helper()
	interop := filepath.Join("..", "..", "testbench", "interop")
	modules, err := filepath.Abs(filepath.Join(interop, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if named := os.Getenv("MASKLINE_NODE_MODULES"); named != "" {
		modules = named
	}
	cmd := exec.Command("node", filepath.Join(interop, "sms", "smsc.js"), name)
	cmd.Env, cmd.Stderr = append(os.Environ(), "NODE_PATH="+modules), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &nodeSMSC{}
	listening := make(chan int, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var e nodeEvent
			if json.Unmarshal(lines.Bytes(), &e) != nil {
				continue
			}
			if e.Event == "listening" {
				listening <- e.Port
			}
			s.mu.Lock()
			s.got = append(s.got, e)
			s.mu.Unlock()
		}
		close(listening)
	})
	t.Cleanup(func() {
		in.Close() // the program ends with its input
		reading.Wait()
		_ = cmd.Wait()
	})
	s.port = <-listening
	return s
}

func (s *nodeSMSC) submitted() (all []nodeEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.got {
		if e.Event == "submit" {
			all = append(all, e)
		}
	}
	return all
}

// Foreign carriers take a message and a code, over a store on Postgres.
func TestNodeTakesWhatTheEdgeWrites(t *testing.T) {
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.CreateDatabase(t.Context(), "masks"); err != nil {
		t.Fatal(err)
	}
	alfa, bravo := startNode(t, "alfa"), startNode(t, "bravo")
	c := newCLI(t)
	address := func(s *nodeSMSC) string { return fmt.Sprintf("127.0.0.1:%d", s.port) }
	c.write("edge.yaml", fmt.Sprintf(hostedConfig, "any", address(alfa), "any", address(bravo))+"database: {url: \""+server.URL("masks")+"\"}\n")
	o := &outboundBed{carriers: &carriers{cli: c, running: startEdge(t, c)}}
	o.up("alfa", true)
	o.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	o.serve()

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
