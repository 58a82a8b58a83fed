package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/process"
)

//go:embed caller.xml
var callerScenario []byte

//go:embed callee.xml
var calleeScenario []byte

func writeScenarios(dir string) error {
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "caller.xml"), callerScenario, 0o600),
		os.WriteFile(filepath.Join(dir, "callee.xml"), calleeScenario, 0o600))
}

// load is what SIPp is asked for.
type load struct {
	rate int // calls a second
	last time.Duration
	talk time.Duration // zero: half a second
}

// counted is what SIPp counted on both sides.
type counted struct {
	calls, good, failed, repeated int
}

const (
	lingers   = 40 * time.Second // beyond the calls' own time
	startsIn  = 10 * time.Second
	halfTalks = 500 * time.Millisecond
)

// call runs the load through the target.
func (r *rig) call(ctx context.Context, t *target, l load) (c counted, err error) {
	if l.talk == 0 {
		l.talk = halfTalks
	}
	ctx, cancel := context.WithTimeout(ctx, l.last+l.talk+lingers)
	defer cancel()
	calls := max(1, int(float64(l.rate)*l.last.Seconds()))
	callee, err := r.sipp(ctx, "callee", r.callee, "-m", strconv.Itoa(calls))
	if err != nil {
		return c, err
	}
	defer func() { _ = callee.Kill() }() // it waits for calls that never came
	if err := awaitPort(ctx, r.callee); err != nil {
		return c, err
	}
	caller, err := r.sipp(ctx, "caller", r.caller, "-m", strconv.Itoa(calls), "-r", strconv.Itoa(l.rate), "-l", strconv.Itoa(calls),
		"-inf", r.numbers, "-d", strconv.FormatInt(l.talk.Milliseconds(), 10), t.addr)
	if err != nil {
		return c, err
	}
	defer func() { _ = caller.Kill() }()
	if _, err := caller.Wait(l.last + l.talk + lingers); err != nil {
		return c, fmt.Errorf("SIPp that calls: %w", err)
	}
	_, _ = callee.Wait(time.Second) // its last BYE may be on the way; what is missing counts
	_ = callee.Kill()
	c.calls = calls
	err = errors.Join(r.count("caller", &c), r.count("callee", &c))
	return c, err
}

// sipp starts one side.
func (r *rig) sipp(ctx context.Context, side string, port int, args ...string) (*process.Child, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	cmd := exec.Command("sipp", append([]string{ //nolint:noctx // ended by call
		"-sf", side + ".xml", "-i", "127.0.0.1", "-p", strconv.Itoa(port), "-nostdin", "-buff_size", "4194304",
		"-recv_timeout", "20000", "-trace_stat", "-fd", "1", "-stf", side + ".stat",
	}, args...)...)
	cmd.Dir = r.dir
	if err := os.Remove(filepath.Join(r.dir, side+".stat")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("starting SIPp: %w", err)
	}
	c, err := process.StartChild(cmd)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("SIPp is needed (Debian: apt-get install sip-tester): %w", err)
	}
	return c, err
}

// awaitPort returns when somebody holds a UDP port.
func awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, startsIn)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return nil // that is what is waited for
		}
		_ = conn.Close()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for port %d: %w", port, ctx.Err())
		}
	}
}

// count reads the last line of what SIPp has counted.
func (r *rig) count(side string, c *counted) error {
	text, err := os.ReadFile(filepath.Join(r.dir, side+".stat"))
	if err != nil {
		return fmt.Errorf("reading SIPp's counts: %w", err)
	}
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	if len(lines) < 2 {
		return errors.New("reading SIPp's counts: there are none")
	}
	names, values := strings.Split(lines[0], ";"), strings.Split(lines[len(lines)-1], ";")
	of := func(name string) int {
		for i := range min(len(names), len(values)) {
			if names[i] == name {
				n, _ := strconv.Atoi(values[i])
				return n
			}
		}
		return 0
	}
	if side == "caller" {
		c.good = of("SuccessfulCall(C)")
		c.failed = c.calls - c.good
	}
	c.repeated += of("Retransmissions(C)")
	return nil
}
