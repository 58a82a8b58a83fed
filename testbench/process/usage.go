package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Usage is what the process holds of the machine.
type Usage struct {
	RSS     int64 // resident octets
	FDs     int
	Threads int
}

// Usage reads /proc.
func (e *Edge) Usage() (u Usage, err error) {
	dir := fmt.Sprintf("/proc/%d/", e.PID())
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return u, fmt.Errorf("reading the usage: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		n, _ := strconv.ParseInt(fields[0], 10, 64)
		switch name {
		case "VmRSS":
			u.RSS = n << 10
		case "Threads":
			u.Threads = int(n)
		}
	}
	fds, err := os.ReadDir(dir + "fd")
	if err != nil {
		return u, fmt.Errorf("reading the usage: %w", err)
	}
	u.FDs = len(fds)
	return u, nil
}
