//go:build peers

package sip

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"maskline/testbench/authority"
)

const kamailioConfig = `#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
listen=udp:127.0.0.1:%[2]d
listen=tls:127.0.0.1:%[1]d
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
loadmodule "xlog.so"
modparam("tls", "config", "%[5]s/tls.cfg")
request_route {
	if (!sanity_check("17895", "7")) {
		xlog("L_ERR", "INSANE $rm\n");
		exit;
	}
	if (!has_totag()) {
		record_route();
	}
	if (proto == TLS) {
		if (!has_totag()) {
			$du = "sip:127.0.0.1:%[3]d";
		}
	} else {
		$du = "sip:127.0.0.1:%[4]d;transport=tls";
	}
	t_relay();
}
`

const kamailioTLS = `[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = %[1]s/sbc.key
certificate = %[1]s/sbc.pem
ca_list = %[1]s/ca.pem

[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = %[1]s/sbc.key
certificate = %[1]s/sbc.pem
ca_list = %[1]s/ca.pem
`

// startKamailio runs a proxy: what comes by TLS goes on to the callee by UDP, all
// else to the edge by TLS.
func startKamailio(t *testing.T, names *authority.Authority, secure, plain, callee, edge int) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "kamailio.cfg")
	for file, text := range map[string]string{
		config:                        fmt.Sprintf(kamailioConfig, secure, plain, callee, edge, dir),
		filepath.Join(dir, "tls.cfg"): fmt.Sprintf(kamailioTLS, names.Dir),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	cmd := exec.Command("kamailio", "-f", config, "-DD", "-E", "-m", "64", "-M", "8", "-Y", dir, "-P", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("kamailio is needed (Debian: apt-get install kamailio kamailio-tls-modules): %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if t.Failed() || bytes.Contains(output.Bytes(), []byte("INSANE")) {
			t.Errorf("kamailio said\n%s", tail(output.Bytes()))
		}
	})
	eventually(t, "kamailio listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", secure))
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}
