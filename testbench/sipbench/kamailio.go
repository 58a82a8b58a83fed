package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/process"
)

// kamailio is one life of Kamailio between the two SIPp.
type kamailio struct {
	*process.Child
	port int
}

// kamailioText is a stateful proxy that rewrites the caller and the called
// number and hides Call-ID, Contact and Via by topoh: the least that masks. It
// looks nothing up: its numbers are constants.
const kamailioText = `debug=0
log_stderror=yes
fork=yes
children=4
auto_aliases=no
listen=udp:127.0.0.1:%[1]d
socket_workers=4
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "uac.so"
loadmodule "dispatcher.so"
loadmodule "topoh.so"
modparam("rr", "append_fromtag", 1)
modparam("uac", "restore_mode", "auto")
modparam("dispatcher", "list_file", "dispatcher.list")
modparam("topoh", "mask_key", "benchmark of hidden calls")
modparam("topoh", "mask_callid", 1)
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
	if (has_totag()) {
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK") && t_check_trans()) t_relay();
		exit;
	}
	t_check_trans();
	record_route();
	remove_hf("P-Asserted-Identity");
	remove_hf("User-Agent");
	$rU = "+447800000001";
	uac_replace_from("", "sip:+441110000002@127.0.0.1");
	if (!ds_select_dst("1", "4")) { sl_send_reply("503", "No Carrier"); exit; }
	t_relay();
}
`

func (r *rig) startKamailio(ctx context.Context) (*kamailio, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.dir, "kamailio")
	err = errors.Join(os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "kamailio.cfg"), fmt.Appendf(nil, kamailioText, port), 0o600),
		os.WriteFile(filepath.Join(dir, "dispatcher.list"), fmt.Appendf(nil, "1 sip:127.0.0.1:%d\n", r.callee), 0o600))
	if err != nil {
		return nil, fmt.Errorf("writing Kamailio's files: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("writing Kamailio's files: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	// With its default of 64 MB of shared memory it loses calls from 500/s on.
	cmd := exec.Command("kamailio", "-DD", "-f", "kamailio.cfg", "-Y", dir, "-m", "1024", "-M", "32", "-b", "4194304", "-w", dir) //nolint:noctx // ended by stop
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	c, err := process.StartChild(cmd)
	if err != nil {
		return nil, fmt.Errorf("needing Kamailio (Debian: apt-get install kamailio): %w", err)
	}
	k := &kamailio{c, port}
	if err := awaitPort(ctx, port); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	time.Sleep(settles)
	if k.Ended() {
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("it has ended: %s", bytes.TrimSpace(text))
	}
	return k, nil
}

// settles is how long its children take to be there.
const settles = 2 * time.Second

func (k *kamailio) target() *target {
	return &target{pid: k.PID(), addr: "127.0.0.1:" + strconv.Itoa(k.port)}
}

// stop ends Kamailio and its children.
func (k *kamailio) stop() error {
	if err := k.Signal(15); err != nil {
		return errors.Join(err, k.Kill())
	}
	if _, err := k.Wait(stopWithin); err != nil {
		return errors.Join(err, k.Kill())
	}
	return nil
}

func kamailioVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "kamailio", "-v").Output()
	if err != nil {
		return "", fmt.Errorf("needing Kamailio (Debian: apt-get install kamailio): %w", err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	words := strings.Fields(strings.TrimPrefix(first, "version: "))
	if len(words) < 2 {
		return "Kamailio", nil
	}
	return "Kamailio " + words[1], nil
}
