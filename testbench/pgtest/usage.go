package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/process"
)

// CPU is what the server's processes have used so far.
type CPU struct {
	Backends time.Duration // of clients' connections
	Senders  time.Duration // of replication
	Others   time.Duration // that write in the background, and the postmaster
}

// CPU reads what the processes that run now have used.
func (s *Server) CPU() (c CPU, err error) {
	postmaster := s.cmd.Process.Pid
	if c.Others, err = process.CPU(postmaster); err != nil {
		return c, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", postmaster, postmaster))
	if err != nil {
		return c, fmt.Errorf("looking for the server's processes: %w", err)
	}
	for _, child := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			continue
		}
		title, err := os.ReadFile(filepath.Join("/proc", child, "cmdline"))
		if err != nil {
			continue // it has ended
		}
		used, err := process.CPU(pid)
		if err != nil {
			continue
		}
		switch name := string(title); {
		case strings.HasPrefix(name, "postgres: walsender "):
			c.Senders += used
		case strings.HasPrefix(name, "postgres: "+superuser+" "):
			c.Backends += used
		default:
			c.Others += used
		}
	}
	return c, nil
}
