package mediaload

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attached reports whether a program is at the loopback interface's ingress.
func attached(t *testing.T, id ebpf.ProgramID) bool {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	r, err := link.QueryPrograms(link.QueryOptions{Target: lo.Index, Attach: ebpf.AttachTCXIngress})
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(r.Programs, func(p link.AttachedProgram) bool { return p.ID == id })
}

// programs are those that a process holds.
func programs(t *testing.T, pid int) []ebpf.ProgramID {
	t.Helper()
	return numbered[ebpf.ProgramID](t, pid, "prog_id:")
}

// numbered lists the numbers that the kernel gave to what a process holds.
func numbered[ID ~uint32](t *testing.T, pid int, label string) (all []ID) {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, label); ok {
				n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, ID(n))
			}
		}
	}
	return all
}

// TestAKillLeavesNothingAttached kills a relay whose programs are in the kernel.
// Where the host does not permit them, auto has another backend and there is
// nothing to leave.
func TestAKillLeavesNothingAttached(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var r reply
	if err := json.NewEncoder(in).Encode(request{}); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(out).Decode(&r); err != nil {
		t.Fatal(err)
	}
	held := programs(t, cmd.Process.Pid)
	at := slices.DeleteFunc(slices.Clone(held), func(id ebpf.ProgramID) bool { return !attached(t, id) })
	if len(held) > 0 && len(at) == 0 {
		t.Fatal("it has programs, and none at the interface")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, id := range at {
		eventually(t, "the program has gone with its relay", func() bool { return !attached(t, id) })
	}
}
