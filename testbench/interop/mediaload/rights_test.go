package mediaload

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWithoutRights starts a relay as a user with some of the three rights, or none: it
// takes the fastest backend that these permit, and says in one line which and why.
func TestWithoutRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("who is not root cannot give rights away: not tested here")
		return
	}
	if r, _ := relayOf(t, "kernel", nil); r == nil {
		return
	}
	const bpf, admin, raw = unix.CAP_BPF, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW
	for _, tt := range []struct {
		name, configured string
		rights           []uintptr
		backend, because string // or, where there is none, what the start ends with
	}{
		{"all three", "auto", []uintptr{bpf, admin, raw}, "kernel", "the fastest that this host permits"},
		{"none", "auto", nil, "portable", "steer cannot be had here: "},
		{"without CAP_BPF", "auto", []uintptr{admin, raw}, "portable", "steer cannot be had here: making the map of ports: "},
		{"without CAP_NET_ADMIN", "auto", []uintptr{bpf, raw}, "portable", "steer cannot be had here: making the map of sockets: "},
		{"without CAP_NET_RAW", "auto", []uintptr{bpf, admin}, "portable", "steer cannot be had here: opening the raw socket: "},
		{"none, and portable is configured", "portable", nil, "portable", "configured"},
		{"none, and steer is configured", "steer", nil, "", "making the map of ports: "},
		{"none, and kernel is configured", "kernel", nil, "", "making the map of flows: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := startedWith(t, tt.configured, tt.rights)
			if tt.backend == "" {
				if err == nil || bytes.Count(out, []byte("\n")) != 1 || !strings.Contains(string(out), tt.because) {
					t.Errorf("error %v, said %q", err, out)
				}
				return
			}
			var line struct{ Msg, Backend, Because string }
			if err != nil || bytes.Count(out, []byte("\n")) != 1 {
				t.Fatalf("error %v, said %q", err, out)
			}
			if err := json.Unmarshal(out, &line); err != nil {
				t.Fatal(err)
			}
			if line.Msg != "media relay ready" || line.Backend != tt.backend || !strings.HasPrefix(line.Because, tt.because) {
				t.Errorf("it says %q, %s since %q", line.Msg, line.Backend, line.Because)
			}
		})
	}
}

// startedWith starts a relay as nobody with rights, ends it, and returns what it said.
func startedWith(t *testing.T, backend string, rights []uintptr) ([]byte, error) {
	t.Helper()
	const nobody = 65534
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe") // the file may be in a folder that nobody may read
	cmd.Env = append(os.Environ(), childEnv+"=1", logEnv+"=1", backendEnv+"="+backend)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, AmbientCaps: rights}
	var said bytes.Buffer
	cmd.Stderr = &said // and nothing on standard input: it ends at once
	err := cmd.Run()
	return said.Bytes(), err
}
