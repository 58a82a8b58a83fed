//go:build peers

package sip

import (
	"bytes"
	"fmt"
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

// startKamailioTLS runs a proxy: what comes by TLS goes on to the callee by UDP,
// all else to the edge by TLS.
func startKamailioTLS(t *testing.T, names *authority.Authority, secure, plain, callee, edge int) *kamailio {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tls.cfg"), fmt.Appendf(nil, kamailioTLS, names.Dir), 0o600); err != nil {
		t.Fatal(err)
	}
	k := startKamailio(t, &port{number: plain}, fmt.Sprintf(kamailioConfig, secure, plain, callee, edge, dir))
	eventually(t, "kamailio listens", func() bool { return taken(t, "tcp", secure) })
	return k
}

// kamailio is a running Kamailio.
type kamailio struct {
	t      *testing.T
	cmd    *exec.Cmd
	output syncBuffer
}

// startKamailio runs one by a configuration, and returns when it holds a UDP port.
func startKamailio(t *testing.T, own *port, config string) *kamailio {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &kamailio{t: t, cmd: exec.Command("kamailio", "-f", file, "-DD", "-E", "-m", "64", "-M", "8", "-Y", dir, "-w", dir)}
	k.cmd.Stdout, k.cmd.Stderr = &k.output, &k.output
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := k.cmd.Start(); err != nil {
		t.Fatalf("kamailio is needed (Debian: apt-get install kamailio kamailio-tls-modules): %v", err)
	}
	t.Cleanup(k.stop)
	eventually(t, "kamailio listens", func() bool { return taken(t, "udp", own.number) })
	return k
}

func (k *kamailio) stop() {
	_ = syscall.Kill(-k.cmd.Process.Pid, syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- k.cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	if bytes.Contains(k.output.bytes(), []byte("INSANE")) {
		k.t.Error("kamailio's sanity module refuses what we sent")
	}
	if k.t.Failed() {
		k.t.Logf("kamailio said\n%s", tail(k.output.bytes()))
	}
}
