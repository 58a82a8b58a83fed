package mediaload

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attached counts the programs at the loopback interface's ingress.
func attached(t *testing.T) int {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	r, err := link.QueryPrograms(link.QueryOptions{Target: lo.Index, Attach: ebpf.AttachTCXIngress})
	if err != nil {
		t.Fatal(err)
	}
	return len(r.Programs)
}

// TestAKillLeavesNothingAttached kills a relay whose programs are in the kernel.
// Where the host does not permit them, auto has another backend and there is
// nothing to leave.
func TestAKillLeavesNothingAttached(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: auto is portable here")
	}
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
	before := attached(t)
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
	with := attached(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(5 * time.Second); attached(t) > before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // other relays come and go meanwhile
	}
	t.Log(fmt.Sprintf("%d programs before, %d with it, %d after", before, with, attached(t)))
	if attached(t) > before {
		t.Error("a program outlived its relay")
	}
}
