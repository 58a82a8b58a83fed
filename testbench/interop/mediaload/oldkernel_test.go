package mediaload

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// TestWhatTheKernelLacks starts a relay whose kernel refuses what an older one lacks, and what each
// step of a backend asks for: the next backend serves, one line says which and why, and of
// the one that could not be had nothing is left.
func TestWhatTheKernelLacks(t *testing.T) {
	if r, _ := relayOf(t, "kernel", nil); r == nil {
		return
	}
	for _, tt := range []struct {
		lacks, backend string
		because        string // the first of it
	}{
		{"tcx", "steer", "kernel cannot be had here: attaching the program that forwards: "},
		{"tcx,sk_lookup", "portable", "steer cannot be had here: loading the program: "},
		{"links", "portable", "steer cannot be had here: attaching the program: "},
		{"links,sk_lookup,UDP in maps", "portable", "steer cannot be had here: loading the program: "},
		{"links,UDP in maps", "portable", "steer cannot be had here: entering a socket: "},
		{"links,sk_lookup,UDP in maps,mapped maps", "portable", "steer cannot be had here: making the map of ports: "},
		{"bpf", "portable", "steer cannot be had here: making the map of ports: "},

		{"map of flows", "steer", "kernel cannot be had here: making the map of flows: "},
		{"forwarding", "steer", "kernel cannot be had here: loading the program that forwards: "},
		{"tcx,map of ports", "portable", "steer cannot be had here: making the map of ports: "},
		{"tcx,map of sockets", "portable", "steer cannot be had here: making the map of sockets: "},
		{"tcx,steering", "portable", "steer cannot be had here: loading the program: "},
		{"tcx,raw socket", "portable", "steer cannot be had here: opening the raw socket: "},
		{"tcx,thread's socket", "portable", "steer cannot be had here: opening a thread's socket: "},
		// Both want these: what kernel has done by then is undone.
		{"map of sockets", "portable", "steer cannot be had here: making the map of sockets: "},
		{"steering", "portable", "steer cannot be had here: loading the program: "},
	} {
		t.Run(tt.lacks, func(t *testing.T) {
			line, pid := startedLacking(t, "auto", tt.lacks)
			if line.Backend != tt.backend || !strings.HasPrefix(line.Because, tt.because) {
				t.Errorf("it says %q, %s since %q", line.Msg, line.Backend, line.Because)
			}
			held := programs(t, pid)
			slices.Sort(held)
			maps := numbered[ebpf.MapID](t, pid, "map_id:")
			if n := len(slices.Compact(held)); n != map[string]int{"steer": 1}[tt.backend] || len(maps) != 2*n {
				t.Errorf("it holds %d programs and %d maps", n, len(maps))
			}
		})
	}
	t.Run("and it is configured", func(t *testing.T) {
		line, _ := startedLacking(t, "kernel", "tcx")
		if line.Backend != "" || !strings.Contains(line.text, "attaching the program that forwards: ") {
			t.Errorf("it says %q", line.text)
		}
	})
}

// saidLine is a line of a relay's log, or what its start ended with.
type saidLine struct {
	Msg, Backend, Because string
	text                  string
}

// startedLacking starts a relay until the end of the test, and returns the one line that it says.
func startedLacking(t *testing.T, backend, lacks string) (line saidLine, pid int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"=1", logEnv+"=1", backendEnv+"="+backend, refusedEnv+"="+lacks)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if more, _ := io.ReadAll(said); len(more) > 0 {
			t.Errorf("it says more: %q", more)
		}
		_ = cmd.Wait()
	})
	line.text, err = bufio.NewReaderSize(said, 1).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(line.text), &line) // else it is the end
	return line, cmd.Process.Pid
}
