package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// To try whether a port is taken could be in the way of who shall have it: these
// only look.

// Taken reports whether a socket of this machine waits at a port, at whatever
// address; network is "udp" or "tcp".
func Taken(network string, port int) (bool, error) {
	all, err := waiting(network, port)
	return len(all) > 0, err
}

// Holds reports whether it is a process's own socket that waits there.
func Holds(pid int, network string, port int) (bool, error) {
	all, err := waiting(network, port)
	if err != nil {
		return false, err
	}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // none where it has ended
	return slices.ContainsFunc(files, func(file string) bool {
		name, _ := os.Readlink(file)
		inode, found := strings.CutPrefix(name, "socket:[")
		return found && slices.Contains(all, strings.TrimSuffix(inode, "]"))
	}), nil
}

// waiting are the inodes of the sockets.
func waiting(network string, port int) (inodes []string, err error) {
	const (
		local, state, inode = 1, 3, 9
		listens, unbound    = "0A", "07" // of TCP; of UDP, where it has no peer
	)
	for _, table := range []string{network, network + "6"} {
		text, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			return nil, fmt.Errorf("looking for a socket: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > inode && strings.HasSuffix(f[local], fmt.Sprintf(":%04X", port)) && (f[state] == listens || f[state] == unbound) {
				inodes = append(inodes, f[inode])
			}
		}
	}
	return inodes, nil
}
