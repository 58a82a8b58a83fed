package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"maskline/testbench/process"
)

// kannel is one life of bearerbox between the generator's two carriers.
type kannel struct {
	*process.Child
	dir string
}

const kannelText = `
group = core
admin-port = %[1]s
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = %[2]s
smsbox-interface = 127.0.0.1
log-level = 4
log-file = %[5]s/bearerbox.log
dlr-storage = internal
%[6]s

group = smsc
smsc = smpp
smsc-id = in
reroute-smsc-id = out
denied-smsc-id = out
allowed-smsc-id = out
host = 127.0.0.1
port = %[3]s
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
interface-version = 34
max-pending-submits = 500
enquire-link-interval = 30
reconnect-delay = 1

group = smsc
smsc = smpp
smsc-id = out
allowed-smsc-id = out
host = 127.0.0.1
port = %[4]s
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
interface-version = 34
max-pending-submits = 500
enquire-link-interval = 30
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = 0
`

// startKannel runs bearerbox in a folder of its own.
func (r *rig) startKannel(ctx context.Context, store string) (*kannel, error) {
	path, err := bearerbox()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.dir, "kannel-")
	if err != nil {
		return nil, fmt.Errorf("starting Kannel: %w", err)
	}
	var ports []string
	for range 2 {
		addr, err := freeAddr(ctx)
		if err != nil {
			return nil, err
		}
		ports = append(ports, portOf(addr))
	}
	keeping := ""
	if store != "" {
		location := filepath.Join(dir, "store")
		if err := os.Mkdir(location, 0o700); err != nil {
			return nil, fmt.Errorf("starting Kannel: %w", err)
		}
		keeping = "store-type = " + store + "\nstore-location = " + location
	}
	file := filepath.Join(dir, "kannel.conf")
	text := fmt.Sprintf(kannelText, ports[0], ports[1], portOf(r.kannelIn), portOf(r.kannelOut), dir, keeping)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("starting Kannel: %w", err)
	}
	cmd := exec.Command(path, "-v", "4", file) //nolint:noctx // ended by signals
	cmd.Dir = dir
	child, err := process.StartChild(cmd)
	if err != nil {
		return nil, fmt.Errorf("starting Kannel: %w", err)
	}
	return &kannel{child, dir}, nil
}

// stop ends bearerbox, which may wait for its peers to bind again.
func (k *kannel) stop() {
	if k.Stop(2*time.Second) != nil {
		if err := k.Kill(); err != nil {
			fmt.Fprintln(os.Stderr, "smppbench: stopping Kannel:", err)
		}
	}
	_ = os.RemoveAll(k.dir) // it is below the rig's folder, which goes too
}

// lastWords is the end of its log.
func (k *kannel) lastWords() []byte {
	const most = 500
	text, err := os.ReadFile(filepath.Join(k.dir, "bearerbox.log"))
	if err != nil {
		return []byte("nothing")
	}
	return text[max(0, len(text)-most):]
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// bearerbox is Kannel's daemon, which is not on everybody's PATH.
func bearerbox() (string, error) {
	for _, name := range []string{"bearerbox", "/usr/sbin/bearerbox"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("Kannel is needed: make peers, or as root on Debian: apt-get install kannel") //nolint:staticcheck // a name
}

func kannelVersion(ctx context.Context) (string, error) {
	path, err := bearerbox()
	if err != nil {
		return "", err
	}
	out, _ := exec.CommandContext(ctx, path, "--version").CombinedOutput() // it exits with 1
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "version") {
			return strings.Trim(strings.TrimSpace(strings.ReplaceAll(line, "`", "")), ".'"), nil
		}
	}
	return "Kannel of unknown version", nil
}
