package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what the process holds of the machine.
type Usage struct {
	RSS     int64 // resident octets
	FDs     int
	Threads int
	CPU     time.Duration // used so far, in user space and in the kernel
}

// clockTick is the unit of times in /proc; Linux shows them in 1/100 s on
// every platform that Go runs on.
const clockTick = 10 * time.Millisecond

// Usage reads /proc.
func (c *Child) Usage() (u Usage, err error) {
	dir := fmt.Sprintf("/proc/%d/", c.PID())
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
	u.CPU, err = CPU(c.PID())
	return u, err
}

// CPU is what a process has used so far, in user space and in the kernel.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the usage: %w", err)
	}
	_, fields, _ := strings.Cut(string(stat), ") ") // the name before it may hold anything
	const user, system = 11, 12
	f := strings.Fields(fields)
	if len(f) <= system {
		return 0, fmt.Errorf("reading the usage: stat of %d is short", pid)
	}
	a, _ := strconv.ParseInt(f[user], 10, 64)
	b, _ := strconv.ParseInt(f[system], 10, 64)
	return time.Duration(a+b) * clockTick, nil
}
