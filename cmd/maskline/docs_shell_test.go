package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var shellToRun = regexp.MustCompile("(?ms)^<!-- run -->\n```sh\n(.*?)^```")

// TestTheShellOfTheDocs runs the lines of docs/sessions.md as they stand, on a
// configuration with a trunk that takes calls.
func TestTheShellOfTheDocs(t *testing.T) {
	page := readPage(t, "../..", "docs/sessions.md")
	found := shellToRun.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page shows nothing to run")
	}
	if lines := strings.Count(found[1], "\n"); lines > 10 {
		t.Errorf("%d lines", lines)
	}
	c := newCLI(t)
	c.write("edge.yaml", `
data_dir: data
api: {listen: "127.0.0.1:0"}
sip: {listen: [{addr: "udp://127.0.0.1:0"}]}
media: {ports: 21200-21299}
carriers: [{name: alfa, sip: [{addr: "udp://127.0.0.1:9", allow: [127.0.0.1/32], probe: {every: 0s}}]}]
`)
	out := c.shell(found[1])
	for _, want := range []string{
		"pool uk is made\nimported 2 masks\n", "verdict       forward\nbinding       of this party\nsession       ses_", "destination   tel:…01\ncarrier 1     alfa", "…01:+4420794600",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// shell runs lines in which maskline is this program, and returns what they print.
func (c *cli) shell(lines string, env ...string) string {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("maskline", fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asCommand, self))
	if err := os.Chmod(c.path("maskline"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-ex", "-c", lines)
	shell.Dir, shell.WaitDelay = c.dir, time.Second
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what runs in its background ends with it
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	shell.Env = append(append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH")), env...)
	var out, errs strings.Builder
	shell.Stdout, shell.Stderr = &out, &errs
	err = shell.Run()
	if shell.Process != nil {
		_ = shell.Cancel() // what it has left in the background
	}
	if err != nil {
		c.t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	return out.String()
}

// TestTheShellOfTheAPI runs the lines of docs/api.md as they stand.
func TestTheShellOfTheAPI(t *testing.T) {
	found := shellToRun.FindStringSubmatch(readPage(t, "../..", "docs/api.md"))
	if found == nil {
		t.Fatal("the page shows nothing to run")
	}
	c := newCLI(t)
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := reserved.Addr().String()
	_ = reserved.Close() // the edge takes it
	c.write("edge.yaml", strings.Replace(testConfig, "127.0.0.1:0", addr, 1))
	out := c.shell(found[1], "api=http://"+addr, "SHOP_PW=x", "ALFA_PW=x")
	first, after, ended := strings.Cut(out, "released\n")
	if !ended || !strings.Contains(first, "binding       of this party") || !strings.Contains(first, `"written":2`) || !strings.Contains(after, "ended") {
		t.Errorf("%s", out)
	}
}
