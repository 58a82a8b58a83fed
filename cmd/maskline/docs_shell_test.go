package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.write("maskline", fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asCommand, self))
	if err := os.Chmod(c.path("maskline"), 0o700); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", found[1])
	shell.Dir = c.dir
	shell.Env = append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH"))
	var out, errs strings.Builder
	shell.Stdout, shell.Stderr = &out, &errs
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	for _, want := range []string{
		"pool uk is made\nimported 2 masks\n", "verdict       forward\nbinding       of this party\nsession       ses_", "destination   tel:…01\ncarrier 1     alfa", "…01:+4420794600",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
