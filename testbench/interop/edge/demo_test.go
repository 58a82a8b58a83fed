//go:build peers

package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/testbench/await"
	"maskline/testbench/process"
)

// demo is one run of the demo in a group of processes and with a folder for
// temporary files of its own, as somebody without rights.
type demo struct {
	t     *testing.T
	child *process.Child
	tmp   string
	out   *os.File // what it prints
}

func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	d := &demo{t: t, tmp: t.TempDir(), out: out}
	owner := nobody(t)
	cmd := exec.Command(publicBinary(t), append([]string{"demo"}, args...)...)
	cmd.Dir, cmd.Env = "/", []string{"TMPDIR=" + d.tmp, "PATH=/nowhere", "HOME=/nonexistent"}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	if owner != nil {
		if err := os.Chown(d.tmp, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
		open(t, d.tmp)
	}
	if d.child, err = process.StartChild(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.child.Kill() })
	return d
}

// nobody is who the demo runs as where the tests run as root, else nil: it is
// somebody without rights already.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// open lets everybody into a temporary folder, which lies below others that the
// test has made.
func open(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// publicBinary is a copy of the binary that everybody may run: the original may
// lie where only its owner has access.
func publicBinary(t *testing.T) string {
	t.Helper()
	from, err := os.Open(binaryPath)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(t.TempDir(), "maskline")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, filepath.Dir(path))
	return path
}

// ends waits for the exit code, and for nothing to be left.
func (d *demo) ends(want int) string {
	d.t.Helper()
	const atMost = time.Minute
	code, err := d.child.Wait(atMost)
	if err != nil {
		d.t.Fatal(err)
	}
	if code != want {
		d.t.Errorf("exit code %d, not %d:\n%s", code, want, d.said())
	}
	left, err := os.ReadDir(d.tmp)
	if err != nil || len(left) > 0 {
		d.t.Errorf("files are left behind: %v %v", left, err)
	}
	if err := syscall.Kill(-d.child.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		d.t.Errorf("a process is left behind: %v", err)
	}
	return d.said()
}

// said is what it has printed so far.
func (d *demo) said() string {
	d.t.Helper()
	text, err := os.ReadFile(d.out.Name())
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

func TestDemoOnce(t *testing.T) {
	said := startDemo(t, "--once").ends(0)
	if shape(said) != shape(demoOfTheREADME(t)) {
		t.Errorf("the README shows another demo than this:\n%s", said)
	}
	for _, line := range []string{
		`(?m)^SMS +\+447700900101 +\+442079460011 +\+447700900202 +\+442079460022 +alfa `,
		`(?m)^SMS, alfa is gone +.* bravo `,
		`(?m)^call +\+447700900101 +\+442079460011 +\+447700900202 +\+442079460022 +alfa +heard [1-9]\d+ and [1-9]\d+ ms$`,
		`(?m)^call, alfa is silent +.* bravo `,
		`(?m)^\d+ messages and \d+ calls arrived masked, \d+ of them by failover; \d+ were refused as they should be; 0 failed\.$`,
		`(?m)^No real number of one party in any of the \d+ PDUs and SIP messages sent towards another, nor in the log or the metrics\.$`,
	} {
		if !regexp.MustCompile(line).MatchString(said) {
			t.Errorf("no line matches %s in:\n%s", line, said)
		}
	}
}

// demoOfTheREADME is what the README says that the demo prints.
func demoOfTheREADME(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "<!-- demo -->\n```\n")
	text, _, found := strings.Cut(after, "```\n<!-- /demo -->")
	if !found {
		t.Fatal("the README shows no demo")
	}
	return text
}

// shape leaves out what differs from run to run: times and the count of frames.
func shape(said string) string {
	return regexp.MustCompile(`[0-9.]+ ms|[0-9]+ and [0-9]+ ms|[0-9]+ PDUs`).ReplaceAllString(said, "#")
}

func TestDemoUntilInterrupted(t *testing.T) {
	d := startDemo(t, "--api-listen", "127.0.0.1:0")
	if !await.Within(patience, func() bool { return strings.Contains(d.said(), "SMS, the answer") }) {
		t.Fatalf("no scene is played:\n%s", d.said())
	}
	if err := d.child.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if said := d.ends(0); !strings.Contains(said, "/readyz") || !strings.Contains(said, "; 0 failed.") {
		t.Errorf("it said:\n%s", said)
	}
}

func TestDemoCannotStart(t *testing.T) {
	said := startDemo(t, "--once", "--api-listen", taken(t, netip.MustParseAddr("127.0.0.1"), "tcp")).ends(1)
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, "maskline: starting the demo: listening for HTTP:") {
		t.Errorf("it said:\n%s", said)
	}
}

// With all media ports of the demo taken no call can be made, and the demo says
// so.
func TestDemoTellsOfFailures(t *testing.T) {
	for port := 20000; port < 20400; port++ {
		conn, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue // taken is taken
		}
		defer conn.Close()
	}
	said := startDemo(t, "--once").ends(1)
	if !regexp.MustCompile(`(?m)^call .* FAILED: `).MatchString(said) || strings.Contains(said, "; 0 failed.") {
		t.Errorf("it said:\n%s", said)
	}
}
