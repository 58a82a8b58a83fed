package seal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script is a KMS as a shell script, with its first argument before the verb.
func script(t *testing.T, text string) *Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kms")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return NewCommand([]string{path, "key-7"})
}

func TestCommandWrapsAndUnwraps(t *testing.T) {
	c := script(t, `case "$1 $2" in
"key-7 wrap") printf 'W'; tr 'a-y' 'b-z';;
"key-7 unwrap") dd bs=1 skip=1 status=none | tr 'b-z' 'a-y';;
*) exit 2;;
esac`)
	secret := []byte("octets \x00\xff and a line\n")
	wrapped, err := c.Wrap(t.Context(), secret)
	if err != nil || wrapped[0] != 'W' || bytes.Contains(wrapped, secret) {
		t.Fatalf("%d octets, %v", len(wrapped), err)
	}
	if got, err := c.Unwrap(t.Context(), wrapped); err != nil || !bytes.Equal(got, secret) {
		t.Fatalf("%d octets, %v", len(got), err)
	}
}

func TestCommandFails(t *testing.T) {
	cases := []struct {
		name, script string
		fault        error
	}{
		{"exit code", "echo hunter2 >&2; echo hunter2; exit 3", ErrCommand},
		{"no output", "cat >/dev/null", ErrOutput},
		{"endless output", "yes hunter2", ErrOutput},
		{"output and exit code", "head -c 70000 /dev/zero; exit 1", ErrOutput},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := script(t, c.script).Unwrap(t.Context(), []byte("hunter2"))
			if !errors.Is(err, c.fault) || out != nil {
				t.Fatalf("%d octets, %v", len(out), err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error quotes the command: %v", err)
			}
		})
	}
	t.Run("no such program", func(t *testing.T) {
		if _, err := NewCommand([]string{filepath.Join(t.TempDir(), "none")}).Wrap(t.Context(), nil); !errors.Is(err, ErrCommand) {
			t.Fatal(err)
		}
	})
}

// A command that hangs is ended, with children that hold its output.
func TestCommandHasADeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := script(t, "sleep 60 & sleep 60").Wrap(ctx, []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestWrapper(t *testing.T) {
	secret := NewSecret()
	if _, err := Parse(secret); err != nil {
		t.Fatal(err)
	}
	wrapper := zeroKey(t).Wrapper()
	wrapped, err := wrapper.Wrap(t.Context(), secret)
	if err != nil || bytes.Contains(wrapped, secret[len(fileHeader):]) {
		t.Fatalf("wrapped: %v", err)
	}
	if got, err := wrapper.Unwrap(t.Context(), wrapped); err != nil || !bytes.Equal(got, secret) {
		t.Fatalf("unwrapped: %v", err)
	}
	if _, err := Generate().Wrapper().Unwrap(t.Context(), wrapped); !errors.Is(err, ErrOpen) {
		t.Fatalf("another key: %v", err)
	}
}
