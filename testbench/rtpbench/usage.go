package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// used is CPU time until now.
type used struct {
	relay   time.Duration // the measured process
	all     time.Duration // with the generator and the kernel's threads for packets
	machine time.Duration // all that the machine did, counted by its ticks
}

const clockTick = 10 * time.Millisecond // the unit of times in /proc

func (s *subject) used() (u used, err error) {
	if s.child != nil {
		usage, err := s.child.Usage()
		if err != nil {
			return u, err
		}
		u.relay = usage.CPU
	}
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err != nil {
		return u, fmt.Errorf("reading the usage: %w", err)
	}
	u.all = u.relay + time.Duration(own.Utime.Nano()+own.Stime.Nano()) + kernelThreads()
	u.machine, err = machine()
	return u, err
}

func (u used) since(o used) used {
	return used{u.relay - o.relay, u.all - o.all, u.machine - o.machine}
}

// kernelThreads is what the kernel's own threads for packets have used: most of its
// work for packets is charged to the process that sends them, what is too much at
// once is left to these.
func kernelThreads() (sum time.Duration) {
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil || !strings.HasPrefix(string(text), "ksoftirqd/") {
			continue
		}
		if text, err = os.ReadFile(filepath.Join(filepath.Dir(name), "stat")); err == nil {
			sum += cpuOf(text)
		}
	}
	return sum
}

// cpuOf reads user and system time of /proc/PID/stat.
func cpuOf(stat []byte) time.Duration {
	const user, system = 11, 12
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name before it may hold anything
	if len(f) <= system {
		return 0
	}
	a, _ := strconv.ParseInt(f[user], 10, 64)
	b, _ := strconv.ParseInt(f[system], 10, 64)
	return time.Duration(a+b) * clockTick
}

// machine is the time of all cores that was neither idle nor another machine's.
func machine() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the usage: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	var user, nice, system, idle, wait, irq, softirq int64
	if _, err := fmt.Sscanf(first, "cpu %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &softirq); err != nil {
		return 0, fmt.Errorf("reading the usage: %w", err)
	}
	return time.Duration(user+nice+system+irq+softirq) * clockTick, nil
}
