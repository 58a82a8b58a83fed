//go:build peers

package edge

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/testbench/process"
)

// spoilConfig breaks the configuration file.
func (b *bed) spoilConfig() {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "edge.yaml"), []byte("node: test\nmode: fast\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// failsToStart wants an edge to end with code 1, and returns what it printed
// last, which is all but the log.
func failsToStart(t *testing.T, dir, text string) string {
	t.Helper()
	e, err := process.Launch(process.Config{Binary: binaryPath, Dir: dir, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Kill() }()
	code, err := e.Wait(patience)
	if err != nil {
		t.Fatal(err)
	}
	log, err := e.Log()
	if err != nil {
		t.Fatal(err)
	}
	if code != 1 {
		t.Errorf("exit code %d:\n%s", code, log)
	}
	var said []string
	for line := range strings.Lines(string(log)) {
		if !strings.HasPrefix(line, "{") {
			said = append(said, line)
		}
	}
	if len(said) != 1 {
		t.Errorf("it said, in %d lines:\n%s", len(said), strings.Join(said, ""))
	}
	return strings.Join(said, "")
}

// taken is an address with a listener of ours.
func taken(t *testing.T, ip netip.Addr, network string) string {
	t.Helper()
	addr := netip.AddrPortFrom(ip, 0).String()
	if network == "udp" {
		conn, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.LocalAddr().String()
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestFaultsAtTheStart(t *testing.T) {
	b := newBed(t)
	good := b.config(settings{})
	replaced := func(old, by string) string {
		text := strings.Replace(good, old, by, 1)
		if text == good {
			t.Fatalf("the configuration has no %q", old)
		}
		return text
	}
	key := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(key, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(open, []byte("maskline key v1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, text, want string }{
		{
			"the SMPP port is taken", replaced(fmt.Sprintf(`listen: [{addr: "%s:0"}]`, b.ip), fmt.Sprintf(`listen: [{addr: "%s"}]`, taken(t, b.ip, "tcp"))),
			"maskline: starting: smpp: listening: listen tcp",
		},
		{
			"the SIP port is taken", replaced(fmt.Sprintf(`"udp://%s:0"`, b.ip), fmt.Sprintf(`"udp://%s"`, taken(t, b.ip, "udp"))),
			"maskline: starting: sip: listen udp:",
		},
		{
			"the API's port is taken", replaced(fmt.Sprintf(`api: {listen: "%s:0"}`, b.ip), fmt.Sprintf(`api: {listen: "%s"}`, taken(t, b.ip, "tcp"))),
			"maskline: starting: listening for HTTP: listen tcp",
		},
		{
			"the key file holds no key", replaced("node: test", "node: test\nsecrets: {key_file: "+key+"}"),
			"maskline: starting: the key file does not hold the line",
		},
		{
			"others may read the key file", replaced("node: test", "node: test\nsecrets: {key_file: "+open+"}"),
			"maskline: starting: the key file is readable by others than its owner",
		},
		{
			"the key file is a folder", replaced("node: test", "node: test\nsecrets: {key_file: "+t.TempDir()+"}"),
			"maskline: starting: the key file",
		},
		{
			"data_dir is a file", replaced("data_dir: ./data", "data_dir: "+key),
			"maskline: starting: making data_dir:",
		},
		{
			"an unknown key", replaced("node: test", "node: test\nmode: fast"),
			"edge.yaml:2: mode: is an unknown key",
		},
		{
			"no YAML", "{", "edge.yaml:1: ",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if said := failsToStart(t, t.TempDir(), c.text); !strings.Contains(said, c.want) {
				t.Errorf("it said %q, not %q", said, c.want)
			}
		})
	}
}

func TestSecondEdgeOnTheSameData(t *testing.T) {
	b := newBed(t)
	b.start(settings{})
	b.imports(bindings)
	other := strings.Replace(b.config(settings{}), "data_dir: ./data", "data_dir: "+filepath.Join(b.dir, "data"), 1)
	said := failsToStart(t, t.TempDir(), other)
	if !strings.Contains(said, "another maskline process uses this data_dir") {
		t.Errorf("it said %q", said)
	}
	b.healthy()
	b.stop()
}
