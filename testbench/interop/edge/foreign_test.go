//go:build peers

package edge

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/script"
)

// nodeSMSC is node-smpp as a carrier's SMSC: a run of ../sms/smsc.js.
type nodeSMSC struct {
	*script.Script[smscEvent]
	b    *bed
	addr netip.AddrPort
	sent int
}

// smscEvent is a line that the program prints.
type smscEvent struct {
	Event, Mode, From, To, Text, Tag string
	Port, Status                     int
}

func (b *bed) startNode(name string) *nodeSMSC {
	b.t.Helper()
	cmd, err := script.Node("..", "sms/smsc.js", name)
	if err != nil {
		b.t.Fatal(err)
	}
	run, err := script.Start[smscEvent](cmd)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(run.Close)
	n := &nodeSMSC{Script: run, b: b}
	b.eventually(name+"'s SMSC listens (node-smpp is needed: testbench/interop/peers.sh)", func() bool {
		for _, e := range n.all("listening") {
			n.addr = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(e.Port))
		}
		return n.addr.IsValid()
	})
	return n
}

func (n *nodeSMSC) all(kind string) []smscEvent {
	return n.All(func(e *smscEvent) bool { return e.Event == kind })
}

// deliver hands a text from a subscriber to the edge and returns the answer.
func (n *nodeSMSC) deliver(from, to e164.Number, text string) (status pdu.Status) {
	n.b.t.Helper()
	n.sent++
	tag := strconv.Itoa(n.sent)
	err := n.Tell(map[string]any{"tag": tag, "deliver": map[string]any{
		"source_addr": digits(from), "source_addr_ton": 1, "source_addr_npi": 1,
		"destination_addr": digits(to), "dest_addr_ton": 1, "dest_addr_npi": 1, "data_coding": 0, "short_message": text,
	}})
	if err != nil {
		n.b.t.Fatal(err)
	}
	n.b.eventually("a message from node-smpp is answered", func() bool {
		for _, e := range n.all("deliver_resp") {
			if e.Tag == tag {
				status = pdu.Status(e.Status)
				return true
			}
		}
		return false
	})
	return status
}

// sippRun is a SIPp at work.
type sippRun struct {
	b        *bed
	scenario string
	trace    string
	output   bytes.Buffer
	done     chan error
}

// sipp plays a scenario of ../sip/testdata for a subscriber of the number, and
// sends its number wherever SIP has room for one. Without arguments of a caller it
// waits to be called.
func (b *bed) sipp(scenario string, at netip.AddrPort, number e164.Number, caller ...string) *sippRun {
	b.t.Helper()
	s := &sippRun{b: b, scenario: scenario, trace: filepath.Join(b.t.TempDir(), "messages"), done: make(chan error, 1)}
	args := append([]string{
		"-sf", filepath.Join("..", "sip", "testdata", scenario+".xml"), "-i", at.Addr().String(), "-p", strconv.Itoa(int(at.Port())),
		"-m", "1", "-nostdin", "-timeout", "20", "-timeout_error", "-recv_timeout", "15000", "-key", "real", number.Reveal(),
		"-trace_msg", "-message_file", s.trace,
	}, caller...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("SIPp is needed: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.done <- cmd.Wait()
	}()
	b.t.Cleanup(func() {
		cancel() // it kills
		<-ended
	})
	if len(caller) == 0 {
		b.eventually("SIPp listens", func() bool { return listens(at) || len(s.done) > 0 })
	}
	return s
}

// listens looks whether somebody has the UDP address. To try to open it could be in
// the way of who shall have it.
func listens(at netip.AddrPort) bool {
	table, _ := os.ReadFile("/proc/net/udp")
	ip := at.Addr().As4()
	return strings.Contains(string(table), fmt.Sprintf(": %02X%02X%02X%02X:%04X ", ip[3], ip[2], ip[1], ip[0], at.Port()))
}

var traced = regexp.MustCompile(`(?m)^-{20,}.*$`)

// wait wants the scenario to have gone as written, and returns what the edge sent.
func (s *sippRun) wait() string {
	s.b.t.Helper()
	err := <-s.done
	trace, _ := os.ReadFile(s.trace) // there is none where it did not begin
	if err != nil {
		output := s.output.Bytes()
		s.b.t.Fatalf("%s: %v\n%s\n%s", s.scenario, err, output[max(0, len(output)-2000):], trace)
	}
	var got strings.Builder
	for _, part := range traced.Split(string(trace), -1) {
		if _, message, found := strings.Cut(part, " message received ["); found {
			got.WriteString(message)
		}
	}
	return got.String()
}
