package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

const (
	commandTime = 30 * time.Second
	commandOut  = 64 << 10
)

// Faults of a KMS command. They never hold what it wrote.
var (
	ErrCommand = errors.New("the kms command failed; run it by hand to see why")
	ErrOutput  = errors.New("the kms command wrote nothing or more than 64 KiB")
)

// Command wraps and unwraps data keys by a program, which gets "wrap" or
// "unwrap" as its last argument and octets on its standard input, and answers on
// its standard output. What it writes to standard error is thrown away: it may
// quote a secret. It has the environment of this process, where those of a KMS
// look for their credentials.
type Command struct{ args []string }

// NewCommand is a command of a program and its first arguments.
func NewCommand(args []string) *Command { return &Command{args} }

// Wrap has the program wrap a data key.
func (c *Command) Wrap(ctx context.Context, secret []byte) ([]byte, error) {
	return c.run(ctx, "wrap", secret)
}

// Unwrap has the program undo Wrap.
func (c *Command) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	return c.run(ctx, "unwrap", wrapped)
}

func (c *Command) run(ctx context.Context, verb string, in []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	args := append(append([]string(nil), c.args[1:]...), verb)
	cmd := exec.CommandContext(ctx, c.args[0], args...) //nolint:gosec // the operator's own
	// It is ended with its children, which may hold its output open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out output
	cmd.Stdin, cmd.Stdout = bytes.NewReader(in), &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrCommand, ctx.Err())
	case out.full:
		return nil, ErrOutput
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%w (exit code %d)", ErrCommand, exit.ExitCode())
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCommand, err)
	case len(out.kept) == 0:
		return nil, ErrOutput
	}
	return out.kept, nil
}

// output keeps what is written to it up to commandOut.
type output struct {
	kept []byte
	full bool
}

func (o *output) Write(p []byte) (int, error) {
	if len(o.kept)+len(p) > commandOut {
		o.full = true
		return 0, ErrOutput
	}
	o.kept = append(o.kept, p...)
	return len(p), nil
}
