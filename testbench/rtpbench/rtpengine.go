package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"maskline/testbench/process"
	"maskline/testbench/rtpload"
)

// startEngine starts rtpengine in user space with one thread for packets.
func (r *rig) startEngine(ctx context.Context, flags ...string) (s *subject, err error) {
	at, err := freePort()
	if err != nil {
		return nil, err
	}
	words, err := onCores(strconv.Itoa(relayCore))
	if err != nil {
		return nil, err
	}
	words = append(words, "rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=1", "--interface="+r.media.String(),
		"--listen-ng="+at.String(), "--port-min="+strconv.Itoa(portMin), "--port-max="+strconv.Itoa(portMax), "--pidfile="+filepath.Join(r.dir, "rtpengine.pid"))
	log, err := os.Create(filepath.Join(r.dir, "rtpengine.log"))
	if err != nil {
		return nil, fmt.Errorf("writing rtpengine's log: %w", err)
	}
	defer func() { _ = log.Close() }()          // the process has its own
	cmd := exec.Command(words[0], words[1:]...) //nolint:noctx // ended by close
	cmd.Stdout, cmd.Stderr = log, log
	c, err := process.StartChild(cmd)
	if err != nil {
		return nil, fmt.Errorf("needing rtpengine (Debian: apt-get install rtpengine-daemon): %w", err)
	}
	engine, err := rtpload.NewEngine(at)
	if err != nil {
		return nil, errors.Join(err, c.Kill())
	}
	engine.Flags = flags
	s = &subject{relay: engine, child: c, close: func() error { return errors.Join(c.Kill(), engine.Close()) }}
	if err := engine.Ping(ctx); err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("%w: %s", err, bytes.TrimSpace(text)), s.close())
	}
	return s, nil
}

// freePort is one that nobody has. rtpengine is told it before it opens it.
func freePort() (netip.AddrPort, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("choosing a port: %w", err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	return netip.AddrPortFrom(loopback, uint16(port)), conn.Close()
}

func engineVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "rtpengine", "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("needing rtpengine (Debian: apt-get install rtpengine-daemon): %w", err)
	}
	return "rtpengine " + strings.TrimPrefix(strings.TrimSpace(string(out)), "Version: "), nil
}
