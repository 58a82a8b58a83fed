package mediaload

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"maskline/media"
	"maskline/testbench/loopback"
)

const (
	childEnv   = "MASKLINE_MEDIALOAD_CHILD"
	backendEnv = "MASKLINE_MEDIALOAD_BACKEND"
	logEnv     = "MASKLINE_MEDIALOAD_LOG"     // to standard error
	refusedEnv = "MASKLINE_MEDIALOAD_REFUSED" // what the kernel lacks
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// request asks the child for a session between two addresses or, where they
// are zero, for its usage. The answer is a reply. One JSON object a line.
type request struct{ A, B netip.AddrPort }

type reply struct {
	A, B    netip.AddrPort
	CPU     time.Duration // user and system, of the process
	SetUp   time.Duration // what allocating and describing one session took
	Resent  float64       // RTP packets sent since start
	Dropped float64
	Memory  int64 // resident octets
}

// serve is the child: a relay driven by its standard input.
func serve(in io.Reader, out io.Writer) error {
	reg, log := prometheus.NewRegistry(), zap.NewNop()
	if os.Getenv(logEnv) != "" {
		log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), os.Stderr, zap.InfoLevel))
	}
	if lacks := os.Getenv(refusedEnv); lacks != "" {
		if err := refuse(lacks); err != nil {
			return err
		}
	}
	relay, err := media.New(media.Config{Backend: os.Getenv(backendEnv), Addr: loopback.Addr(), PortMin: 10000, PortMax: 18999, Loops: 1}, log, reg)
	if err != nil {
		return err
	}
	requests, replies := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var q request
		if err := requests.Decode(&q); err == io.EOF {
			return relay.Close()
		} else if err != nil {
			return err
		}
		r, err := answer(relay, reg, q)
		if err != nil {
			return err
		}
		if err := replies.Encode(r); err != nil {
			return err
		}
	}
}

func answer(relay *media.Relay, reg *prometheus.Registry, q request) (reply, error) {
	if !q.A.IsValid() {
		return usage(reg)
	}
	start := time.Now()
	s, err := relay.Allocate(media.Options{})
	if err != nil {
		return reply{}, err
	}
	for side, at := range map[media.Side]netip.AddrPort{media.A: q.A, media.B: q.B} {
		if err := s.SetRemote(side, media.Remote{RTP: at, PayloadTypes: media.NewPayloadTypes(0, 101)}); err != nil {
			return reply{}, err
		}
	}
	return reply{A: s.Local(media.A), B: s.Local(media.B), SetUp: time.Since(start)}, nil
}

func usage(reg *prometheus.Registry) (r reply, err error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return r, err
	}
	r.CPU = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	families, err := reg.Gather()
	for _, f := range families {
		for _, m := range f.Metric {
			switch f.GetName() {
			case "maskline_media_packets_total":
				if m.Label[0].GetValue() == "out" && m.Label[1].GetValue() == "rtp" {
					r.Resent = m.Counter.GetValue()
				}
			case "maskline_media_dropped_total":
				r.Dropped += m.Counter.GetValue()
			}
		}
	}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var all, resident int64
		_, _ = fmt.Sscan(string(b), &all, &resident)
		r.Memory = resident * int64(os.Getpagesize())
	}
	return r, err
}

// child is the parent's end.
type child struct {
	b        *testing.B
	requests *json.Encoder
	replies  *json.Decoder
}

// startChild runs the relay in another process, on core 0 where it may.
func startChild(b *testing.B) *child {
	b.Helper()
	args := []string{os.Args[0]}
	if path, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{path, "-c", "0"}, args...)
	}
	cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
	// One loop and one processor to spare: where none is, Go's monitor thread
	// wakes every few microseconds to look after the loop's system calls.
	cmd.Env = append(os.Environ(), childEnv+"=1", "GOMAXPROCS=2")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &child{b: b, requests: json.NewEncoder(in), replies: json.NewDecoder(out)}
}

func (c *child) ask(q request) (r reply) {
	c.b.Helper()
	if err := c.requests.Encode(q); err != nil {
		c.b.Fatal(err)
	}
	if err := c.replies.Decode(&r); err != nil {
		c.b.Fatal(err)
	}
	return r
}
