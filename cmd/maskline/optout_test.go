package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// submitter is a bind of the account shop.
type submitter struct {
	t    *testing.T
	conn net.Conn
	last uint32
}

func bindShop(r *running) *submitter {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.smppAddrs()[0].String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	s := &submitter{t: r.t, conn: conn}
	bind := pdu.Bind{SystemID: []byte("shop"), Password: []byte("pw"), InterfaceVersion: pdu.Version34}
	out, err := bind.Append(nil, pdu.BindTransceiver, s.sequence())
	if err != nil {
		r.t.Fatal(err)
	}
	if status := s.ask(out); status != pdu.ROK {
		r.t.Fatalf("bind: %#x", uint32(status))
	}
	return s
}

func (s *submitter) sequence() uint32 { s.last++; return s.last }

// ask sends a request and returns the status of the response.
func (s *submitter) ask(request []byte) pdu.Status {
	s.t.Helper()
	_ = s.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.conn.Write(request); err != nil {
		s.t.Fatal(err)
	}
	head := make([]byte, pdu.HeaderLen)
	if _, err := io.ReadFull(s.conn, head); err != nil {
		s.t.Fatal(err)
	}
	h := pdu.ParseHeader(head)
	if _, err := io.CopyN(io.Discard, s.conn, int64(h.Length)-pdu.HeaderLen); err != nil {
		s.t.Fatal(err)
	}
	return h.Status
}

func (s *submitter) submit(from, to, text string) pdu.Status {
	s.t.Helper()
	m := pdu.Message{
		Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(from)}, Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(to)},
		ShortMessage: []byte(text),
	}
	out, err := m.Append(nil, pdu.SubmitSM, s.sequence())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.ask(out)
}

// end stops the edge and waits for it.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	err := <-r.ended
	r.ended <- err // for the cleanup
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestAnOptOutSurvivesARestart(t *testing.T) {
	const rider, mask = "447700900101", "442079460011"
	c := newCLI(t)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	r := startEdge(t, c)
	shop := bindShop(r)
	if status := shop.submit(mask, rider, "hello"); status != pdu.RSysErr { // no carrier is up
		t.Fatalf("before: %#x", uint32(status))
	}
	if status := shop.submit(rider, mask, "Stop."); status != pdu.ROK {
		t.Fatalf("STOP: %#x", uint32(status))
	}
	if status := shop.submit(mask, rider, "hello"); status != pdu.RSubmitFail {
		t.Fatalf("after STOP: %#x", uint32(status))
	}
	metrics := r.get("/metrics").body
	for _, want := range []string{
		`maskline_routing_rules_total{action="opt_out",rule="opt_out_words"} 1`,
		`maskline_routing_rules_total{action="refuse",rule="opt_out"} 1`,
		"maskline_numberdb_opt_outs 1",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	_ = shop.conn.Close()
	r.end()
	if out := c.ok("optouts", "list", "--config", "edge.yaml"); !strings.Contains(out, "\n+"+rider+"  shop    *     ") {
		t.Errorf("without an edge, listed:\n%s", out)
	}
	offline := []string{"route", mask, rider, "--tenant", "shop", "--config", "edge.yaml"}
	if said := rulesOf(c.ok(offline...))["opt_out"]; said != "refuses: opted_out" {
		t.Fatalf("without an edge: %q", said)
	}
	r = startEdge(t, c)
	shop = bindShop(r)
	if status := shop.submit(mask, rider, "hello"); status != pdu.RSubmitFail {
		t.Fatalf("after a restart: %#x", uint32(status))
	}
	if status := shop.submit(rider, mask, "start"); status != pdu.ROK {
		t.Fatalf("START: %#x", uint32(status))
	}
	if status := shop.submit(mask, rider, "hello"); status != pdu.RSysErr {
		t.Fatalf("after START: %#x", uint32(status))
	}
	shop.submit(rider, mask, "stop")
	if out := c.ok("optouts", "list", "--json", "--config", "edge.yaml"); !strings.Contains(out, `"party":"+`+rider) {
		t.Errorf("listed:\n%s", out)
	}
	if out := c.ok("optouts", "lift", "--party", "44 7700 900101", "--tenant", "shop", "--config", "edge.yaml"); out != "lifted 1 opt-outs\n" {
		t.Errorf("lift says %q", out)
	}
	if status := shop.submit(mask, rider, "hello"); status != pdu.RSysErr {
		t.Fatalf("after lift: %#x", uint32(status))
	}
	for _, party := range []string{rider, "12"} {
		if code, _, errs := c.run("optouts", "lift", "--party", party, "--tenant", "shop", "--config", "edge.yaml"); code != 1 || strings.Contains(errs, rider) {
			t.Errorf("exit %d: %s", code, errs)
		}
	}
	if log := string(r.log.bytes()); strings.Contains(log, rider) || strings.Contains(log, mask) {
		t.Error("a number is in the log")
	}
}

func TestBlocksOfARunningEdge(t *testing.T) {
	const rider, mask = "447700900101", "442079460011"
	c := newCLI(t)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	shop := bindShop(startEdge(t, c))
	c.ok("blocks", "add", "--party", rider, "--config", "edge.yaml")
	if status := shop.submit(rider, mask, "hello"); status != pdu.RSubmitFail {
		t.Fatalf("a blocked party: %#x", uint32(status))
	}
	if got := c.listBlocks(); len(got) != 1 || got[0].Party != "+"+rider {
		t.Fatalf("listed %d", len(got))
	}
	if code, _, errs := c.run("blocks", "add", "--party", "123", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "party: ") {
		t.Errorf("exit %d: %s", code, errs)
	}
	c.ok("blocks", "remove", "--party", "+44 7700-900.101", "--config", "edge.yaml")
	if status := shop.submit(rider, mask, "hello"); status != pdu.RSysErr {
		t.Fatalf("after the block: %#x", uint32(status))
	}
}
