package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	kannelbox "maskline/testbench/kannel"
	"maskline/testbench/process"
)

// kannel is one life of bearerbox between the generator's two carriers.
type kannel struct {
	*process.Child
	dir string
}

// startKannel runs bearerbox in a folder of its own.
func (r *rig) startKannel(ctx context.Context, store string) (*kannel, error) {
	dir, err := os.MkdirTemp(r.dir, "kannel-")
	if err != nil {
		return nil, fmt.Errorf("starting Kannel: %w", err)
	}
	cfg := kannelbox.Config{
		Dir: dir, IP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Core: "log-level = 4\nlog-file = " + filepath.Join(dir, "bearerbox.log") + "\n",
	}
	if err := cfg.Ports(ctx); err != nil {
		return nil, err
	}
	cfg.SendSMS = 0
	if store != "" {
		location := filepath.Join(dir, "store")
		if err := os.Mkdir(location, 0o700); err != nil {
			return nil, fmt.Errorf("starting Kannel: %w", err)
		}
		cfg.Core += "store-type = " + store + "\nstore-location = " + location + "\n"
	}
	const window = "max-pending-submits = 500\nenquire-link-interval = 30\n"
	for _, b := range []struct{ id, addr, lines string }{
		{"in", r.kannelIn, "reroute-smsc-id = out\ndenied-smsc-id = out\nallowed-smsc-id = out\n"},
		{"out", r.kannelOut, "allowed-smsc-id = out\n"},
	} {
		smsc, err := netip.ParseAddrPort(b.addr)
		if err != nil {
			return nil, fmt.Errorf("starting Kannel: %w", err)
		}
		cfg.Binds = append(cfg.Binds, kannelbox.Bind{ID: b.id, SMSC: smsc, SystemID: "bench", Password: "bench", Lines: b.lines + window})
	}
	file, err := cfg.Write()
	if err != nil {
		return nil, err
	}
	child, err := kannelbox.Start("bearerbox", file)
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

func kannelVersion(ctx context.Context) (string, error) {
	path, err := kannelbox.Program("bearerbox")
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
