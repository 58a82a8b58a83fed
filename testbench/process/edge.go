package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Config says what to run.
type Config struct {
	// Binary is the path of the edge's binary. Required.
	Binary string
	// Dir is the folder of edge.yaml, of the log edge.log and of relative paths
	// in the configuration. It outlives the process. Required.
	Dir string
	// Text is the configuration file. Listeners may have port 0. Required.
	Text string
	// Env is added to the environment, as NAME=VALUE.
	Env []string
	// Under is a command that becomes the edge, as taskset does. Empty: none.
	Under []string
}

// Edge is one life of an edge's process. SIGTERM, as Stop sends it, drains it.
type Edge struct {
	*Child
	cfg     Config
	logFrom int64 // where in the log this life begins
	listen  Listeners
}

// Listeners are the addresses that the edge has opened, in the order of its
// configuration.
type Listeners struct {
	API  netip.AddrPort
	SMPP []netip.AddrPort
	SIP  []netip.AddrPort
}

const (
	startWithin   = 20 * time.Second
	commandWithin = 30 * time.Second
	pollEvery     = 10 * time.Millisecond
	answerIn      = 20 * time.Second
	maxBody       = 16 << 20
)

// Start launches an edge and waits until it is ready.
func Start(ctx context.Context, cfg Config) (*Edge, error) {
	e, err := Launch(cfg)
	if err != nil {
		return nil, err
	}
	if err := e.AwaitReady(ctx); err != nil {
		return nil, errors.Join(err, e.Kill())
	}
	return e, nil
}

// Launch starts the process and does not wait for anything.
func Launch(cfg Config) (*Edge, error) {
	if err := os.WriteFile(filepath.Join(cfg.Dir, "edge.yaml"), []byte(cfg.Text), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(cfg.Dir, "edge.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	info, err := log.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	e := &Edge{cfg: cfg, logFrom: info.Size()}
	words := append(append(slices.Clone(cfg.Under), cfg.Binary), arguments("serve")...)
	cmd := exec.Command(words[0], words[1:]...) //nolint:noctx // ended by signals
	e.prepare(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	if e.Child, err = StartChild(cmd); err != nil {
		return nil, err
	}
	return e, nil
}

func arguments(args ...string) []string { return append(args, "--config", "edge.yaml") }

// prepare lets a command run where the edge does.
func (e *Edge) prepare(cmd *exec.Cmd) {
	cmd.Dir = e.cfg.Dir
	cmd.Env = append(os.Environ(), e.cfg.Env...)
}

// Again starts the same edge anew after it has ended, on the same folder.
func (e *Edge) Again(ctx context.Context) (*Edge, error) { return Start(ctx, e.cfg) }

// AwaitReady waits until /readyz answers 200.
func (e *Edge) AwaitReady(ctx context.Context) error {
	return e.await(ctx, "the edge to be ready", func() bool {
		if !e.listen.API.IsValid() && !e.readListeners() {
			return false
		}
		status, _, err := e.Get(ctx, "/readyz")
		return err == nil && status == http.StatusOK
	})
}

func (e *Edge) await(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-e.exited:
			return fmt.Errorf("waiting for %s: it has ended with code %d", what, e.cmd.ProcessState.ExitCode())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
	return nil
}

// readListeners finds the line of the log that names the addresses.
func (e *Edge) readListeners() bool {
	text, err := e.Log()
	if err != nil {
		return false
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var line struct {
			Msg string
			Listeners
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			e.listen = line.Listeners
			return true
		}
	}
	return false
}

// Listeners is known once the edge was ready.
func (e *Edge) Listeners() Listeners { return e.listen }

// Log is what this life has logged.
func (e *Edge) Log() ([]byte, error) {
	all, err := os.ReadFile(e.LogFile())
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	return all[min(e.logFrom, int64(len(all))):], nil
}

// LogFile is the log of all lives.
func (e *Edge) LogFile() string { return filepath.Join(e.cfg.Dir, "edge.log") }

// Get asks the API listener.
func (e *Edge) Get(ctx context.Context, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.listen.API.String()+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("asking the edge: %w", err)
	}
	req.Close = true // what stays open would count among its descriptors
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking the edge: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return 0, nil, fmt.Errorf("asking the edge: %w", err)
	}
	return resp.StatusCode, body, nil
}

// Run runs another subcommand on the same configuration, and returns what it
// printed to both of its outputs.
func (e *Edge) Run(ctx context.Context, args ...string) (output []byte, code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.cfg.Binary, arguments(args...)...)
	e.prepare(cmd)
	output, err = cmd.CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) && ctx.Err() == nil {
		return output, failed.ExitCode(), nil
	}
	return output, 0, err
}

// Import loads bindings through the command line.
func (e *Edge) Import(ctx context.Context, csv string) error {
	file := filepath.Join(e.cfg.Dir, "bindings.csv")
	if err := os.WriteFile(file, []byte(csv), 0o600); err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	output, code, err := e.Run(ctx, "routes", "import", file)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d: %s", code, output)
	}
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	return nil
}
