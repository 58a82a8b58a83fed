//go:build peers

package sip

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"maskline/e164"
	"maskline/testbench/leak"
	"maskline/testbench/process"
)

// sipp is one run of SIPp.
type sipp struct {
	t        *testing.T
	scenario string
	ip       string
	port     int
	tcp      bool
	trace    string
	errors   string
	cmd      *exec.Cmd
	output   bytes.Buffer
	done     chan error
	waited   bool
	searched bool // what it received, for the other side's number
}

// run describes a side of a scenario.
type run struct {
	scenario string
	port     *port
	number   e164.Number // its real number, without which nothing could leak
	dials    e164.Number // caller only
	calls    int
	rate     int    // calls a second, caller only
	quiet    bool   // no trace, for load
	over     string // SIPp's name of a transport; empty: UDP
	ip       string // empty: 127.0.0.1
	args     []string
	patience int // seconds to wait for a message, and for the end; 0: 15 and 60
}

func start(t *testing.T, r run, to string) *sipp {
	t.Helper()
	dir := t.TempDir()
	s := &sipp{
		t: t, scenario: r.scenario, ip: cmp.Or(r.ip, "127.0.0.1"), tcp: r.over != "", port: r.port.number, done: make(chan error, 1),
		trace: filepath.Join(dir, "messages"), errors: filepath.Join(dir, "errors"),
	}
	file := r.scenario + ".xml"
	if !filepath.IsAbs(file) {
		file = filepath.Join("testdata", file)
	}
	args := []string{
		"-sf", file, "-i", s.ip, "-t", cmp.Or(r.over, "u1"), "-p", strconv.Itoa(r.port.number),
		"-m", strconv.Itoa(max(r.calls, 1)), "-nostdin", "-timeout", strconv.Itoa(cmp.Or(r.patience, 60)), "-timeout_error", "-recv_timeout", strconv.Itoa(1000 * cmp.Or(r.patience, 15)),
		"-buff_size", "4194304", "-key", "real", r.number.Reveal(), "-trace_err", "-error_file", s.errors,
	}
	if r.over == "tn" {
		args = append(args, "-max_socket", "1000")
	}
	args = append(args, r.args...)
	if !r.quiet {
		args = append(args, "-trace_msg", "-message_file", s.trace)
	}
	if to != "" {
		args = append(args, "-s", r.dials.Reveal(), "-r", strconv.Itoa(max(r.rate, 1)), to)
	}
	r.port.release()
	s.launch(args, cmp.Or(r.patience, 60))
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		if s.neglected() && !r.quiet && !t.Failed() {
			t.Errorf("%s: what the edge sent to it was not searched", s.scenario)
		}
	})
	if to == "" {
		s.waitForPort(func() { s.launch(args, cmp.Or(r.patience, 60)) })
	}
	return s
}

func (s *sipp) launch(args []string, patience int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(patience+30)*time.Second)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	s.output.Reset()
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	s.cmd = cmd
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("sipp is needed (Debian: apt-get install sip-tester): %v", err)
	}
	go func() {
		defer cancel()
		s.done <- cmd.Wait()
	}()
}

// waitForPort returns when SIPp holds its port. Another process may have had it for a
// moment between the reservation and SIPp, which gives up at once then.
func (s *sipp) waitForPort(again func()) {
	s.t.Helper()
	network := "udp"
	if s.tcp {
		network = "tcp"
	}
	deadline := time.Now().Add(30 * time.Second)
	for !holds(s.t, s.cmd.Process.Pid, network, s.port) {
		select {
		case err := <-s.done:
			if time.Now().After(deadline) {
				s.t.Fatalf("%s: SIPp does not listen: %v\n%s", s.scenario, err, tail(s.output.Bytes()))
			}
			again()
		case <-time.After(5 * time.Millisecond):
			if time.Now().After(deadline) {
				s.t.Fatalf("%s: SIPp neither listens nor ends", s.scenario)
			}
		}
	}
}

func holds(t *testing.T, pid int, network string, port int) bool {
	t.Helper()
	yes, err := process.Holds(pid, network, port)
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

// taken reports whether some process waits at a port.
func taken(t *testing.T, network string, port int) bool {
	t.Helper()
	yes, err := process.Taken(network, port)
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

// wait wants the scenario to have gone as written.
func (s *sipp) wait() {
	s.t.Helper()
	s.waited = true
	if err := <-s.done; err != nil {
		faults, _ := os.ReadFile(s.errors)
		trace, _ := os.ReadFile(s.trace)
		s.t.Fatalf("%s: %v\n%s\n%s\n%s", s.scenario, err, faults, tail(s.output.Bytes()), tail(trace))
	}
}

// hides searches all that the edge sent to it for the other side's number. Each
// scenario has to be searched so.
func (s *sipp) hides(other e164.Number) []byte {
	s.t.Helper()
	s.searched = true
	got := s.received()
	if leak.Contains(got, other) {
		s.t.Errorf("%s was shown the other side's number", s.scenario)
	}
	return got
}

// neglected reports whether it has played its scenario and was not searched.
func (s *sipp) neglected() bool { return s.waited && !s.searched }

func tail(b []byte) []byte { return b[max(0, len(b)-3000):] }

// received is all that the other side, the edge, sent to it.
func (s *sipp) received() []byte {
	s.t.Helper()
	trace, err := os.ReadFile(s.trace)
	if err != nil {
		s.t.Fatal(err)
	}
	part := regexp.MustCompile(`(?m)^-{20,}.*$`)
	var got []byte
	for _, message := range part.Split(string(trace), -1) {
		if loc := regexp.MustCompile(`(?:UDP|TCP|TLS) message received \[\d+\] bytes`).FindStringIndex(message); loc != nil {
			got = append(got, message[loc[1]:]...)
		}
	}
	if len(got) == 0 {
		s.t.Fatalf("%s received nothing", s.scenario)
	}
	return got
}
