//go:build peers

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/testbench/await"
	"maskline/testbench/pgtest"
)

// nodeSMSC is a carrier made of node-smpp; what it got is kept.
type nodeSMSC struct {
	port int
	in   io.Writer // commands

	mu  sync.Mutex
	got []nodeEvent
}

type nodeEvent struct {
	Event, From, To, Text string
	Tag                   string
	Port, Registered      int
	Status                int
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
	s := &nodeSMSC{in: in}
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

// deliver has a subscriber write, and waits for the answer of the edge.
func (s *nodeSMSC) deliver(t *testing.T, from, to, text string) (status int) {
	t.Helper()
	s.mu.Lock()
	tag := fmt.Sprint("deliver ", len(s.got))
	s.mu.Unlock()
	command := map[string]any{"tag": tag, "deliver": map[string]any{
		"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": strings.TrimPrefix(from, "+"),
		"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": strings.TrimPrefix(to, "+"), "short_message": text,
	}}
	if err := json.NewEncoder(s.in).Encode(command); err != nil {
		t.Fatal(err)
	}
	await.That(t, 10*time.Second, "the edge's answer", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		at := slices.IndexFunc(s.got, func(e nodeEvent) bool { return e.Event == "deliver_resp" && e.Tag == tag })
		if at >= 0 {
			status = s.got[at].Status
		}
		return at >= 0
	})
	return status
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
