package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"maskline/testbench/process"
)

// Recorder is a running tshark.
type Recorder struct {
	tshark *process.Child
	file   string
	errors *os.File
	source netip.Addr
}

const (
	startWithin = 20 * time.Second
	stopWithin  = 10 * time.Second
	pollEvery   = 20 * time.Millisecond
	buffer      = "32" // MiB in the kernel
)

// Start records into file what the address source sends. It returns when a
// datagram of ours, sent from source, is in the file: what comes after is not
// missed.
func Start(ctx context.Context, file string, source netip.Addr) (*Recorder, error) {
	log, err := os.Create(file + ".log")
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	cmd := exec.Command("tshark", "-i", "lo", "-n", "-q", "-B", buffer, "-F", "pcap", "-w", file, "-f", "ip src host "+source.String()) //nolint:noctx // ended by Stop
	cmd.Stdout, cmd.Stderr = log, log
	tshark, err := process.StartChild(cmd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recording: %w", err), log.Close())
	}
	r := &Recorder{tshark: tshark, file: file, errors: log, source: source}
	if err := r.Mark(ctx, []byte("first mark of the recording")); err != nil {
		return nil, errors.Join(err, r.kill())
	}
	return r, nil
}

// Mark sends a datagram from the recorded address to nobody, again and again
// until it is in the file.
func (r *Recorder) Mark(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	hole, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return fmt.Errorf("marking the recording: %w", err)
	}
	defer func() { _ = hole.Close() }()
	conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.source, 0)), hole.LocalAddr().(*net.UDPAddr))
	if err != nil {
		return fmt.Errorf("marking the recording: %w", err)
	}
	defer func() { _ = conn.Close() }()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if _, err := conn.Write(text); err != nil {
			return fmt.Errorf("marking the recording: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("marking the recording: %w", ctx.Err())
		}
		if r.tshark.Ended() {
			return errors.New("marking the recording: tshark has ended")
		}
		if data, err := os.ReadFile(r.file); err == nil && bytes.Contains(data, text) {
			return nil
		}
	}
}

var dropped = regexp.MustCompile(`(\d+) packets? dropped`)

// Stop ends the recording and reads it.
func (r *Recorder) Stop(ctx context.Context) (*Recording, error) {
	if err := r.Mark(ctx, []byte("last mark of the recording")); err != nil {
		return nil, errors.Join(err, r.kill())
	}
	if err := r.tshark.Signal(syscall.SIGINT); err != nil {
		return nil, errors.Join(err, r.kill())
	}
	code, err := r.tshark.Wait(stopWithin)
	if err != nil {
		return nil, errors.Join(err, r.kill())
	}
	log, err := os.ReadFile(r.errors.Name())
	if err = errors.Join(err, r.errors.Close()); err != nil {
		return nil, fmt.Errorf("ending the recording: %w", err)
	}
	if code != 0 {
		return nil, fmt.Errorf("ending the recording: tshark ended with code %d: %s", code, log)
	}
	if m := dropped.FindSubmatch(log); m != nil {
		if n, _ := strconv.Atoi(string(m[1])); n > 0 {
			return nil, fmt.Errorf("the recording misses %d packets", n)
		}
	}
	data, err := os.ReadFile(r.file)
	if err != nil {
		return nil, fmt.Errorf("reading the recording: %w", err)
	}
	return parse(data)
}

func (r *Recorder) kill() error { return errors.Join(r.tshark.Kill(), r.errors.Close()) }
