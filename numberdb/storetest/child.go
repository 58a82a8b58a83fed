package storetest

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ToldUntilKilled runs this program as a child with those variables, kills it when
// so much time has passed after so many lines, and returns all lines that it wrote.
// A child that ends by itself, or does not come so far, fails the test.
func ToldUntilKilled(t *testing.T, env []string, lines int, after time.Duration) (told []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*Deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for reader := bufio.NewReader(out); ; {
		line, err := reader.ReadString('\n')
		if err != nil {
			break
		}
		if told = append(told, strings.TrimSuffix(line, "\n")); len(told) == lines {
			killer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer killer.Stop()
		}
	}
	_ = cmd.Wait() // how it ended is looked at
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ctx.Err() != nil || len(told) < lines || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed in its course: %v after %d lines, %v", cmd.ProcessState, len(told), ctx.Err())
	}
	return told
}
