package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	guideShell = regexp.MustCompile("(?ms)^<!-- run( last)? -->\n```sh\n(.*?)^```")
	sameAsFile = regexp.MustCompile("(?ms)^<!-- same (\\S+) -->\n```[a-z]+\n(.*?)^```")
)

// shellOf are what a guide has to run: in its course, and at its very end.
func shellOf(t *testing.T, guide string) (lines, last string) {
	t.Helper()
	for _, found := range guideShell.FindAllStringSubmatch(readPage(t, "../..", "docs/guides/"+guide+".md"), -1) {
		if found[1] == "" {
			lines += found[2]
		} else {
			last += found[2]
		}
	}
	return lines, last
}

// TestTheShellOfTheGuides runs the lines of docs/guides as they stand but for their
// ports: each guide goes on where the quick start ends.
func TestTheShellOfTheGuides(t *testing.T) {
	begin, end := shellOf(t, "quick-start")
	tools := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(tools, "receiver"), "maskline/client/examples/receiver").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for guide, wants := range map[string][]string{
		"quick-start":       {`"written":5`, " to 447700900202: I am at the door.\n", "verdict       forward\nbinding       of this party\nsession       ses_", "destination   tel:…01\n", "\nreleased\n"},
		"masking":           {"…01 dials +4420794600", "\nride 1\n", "\nreleased\n"},
		"temporary-numbers": {"+4420794600", " leads to tel:…01 until 20", "\nactive\n+4420794600", "\nburned\n"},
		"verification":      {"code-wrong: 4 attempts are left. next: check_again\ncontinue\nverified: sending, submitted"},
		"opt-outs":          {"\n…02\n1\n", "409 opted-out\n", "\nsubmitted\n"},
		"webhooks":          {"\nok\nsession.created {"},
	} {
		t.Run(guide, func(t *testing.T) {
			lines, _ := shellOf(t, guide)
			if guide == "quick-start" {
				lines = ""
			}
			free := freeAddrs(t, 4)
			script := strings.NewReplacer(
				"127.0.0.1:8080", free[0], "127.0.0.1:2775", free[1], "127.0.0.1:9000", free[2], "127.0.0.1:2776", free[3],
				`("127.0.0.1", 2776)`, `("127.0.0.1", `+strings.TrimPrefix(free[3], "127.0.0.1:")+")",
			).Replace(begin + lines + end)
			c := newCLI(t)
			out := c.shell(script, "PATH="+c.dir+":"+tools+":"+os.Getenv("PATH"))
			for _, want := range wants {
				if !strings.Contains("\n"+out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

// freeAddrs are addresses that nobody listens on at this moment.
func freeAddrs(t *testing.T, count int) (addrs []string) {
	t.Helper()
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all of them are held until the last is found
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// Programs that a guide shows are those that are tested.
func TestProgramsOfTheGuides(t *testing.T) {
	shown := sameAsFile.FindAllStringSubmatch(readPage(t, "../..", "docs/guides/webhooks.md"), -1)
	if len(shown) != 2 {
		t.Fatalf("%d programs", len(shown))
	}
	for _, found := range shown {
		if readPage(t, "../..", found[1]) != found[2] {
			t.Errorf("the guide shows another %s", found[1])
		}
	}
}
