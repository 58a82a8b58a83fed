package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// The measured process has the first core, the generator the second. Both are
// among those that this process was given.
const (
	relayCore     = 0
	generatorCore = 1
)

// pin moves all threads of this process to some cores. Threads that come later
// inherit theirs.
func pin(cores ...int) error {
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("choosing cores: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(id, &set); err != nil && err != unix.ESRCH { // ESRCH: it has ended
			return fmt.Errorf("choosing cores: %w", err)
		}
	}
	runtime.GOMAXPROCS(max(2, len(cores))) // the streams' thread, and one for what else there is
	return nil
}

// onCores makes a command that runs on some cores, as taskset writes them.
func onCores(cores string) ([]string, error) {
	path, err := exec.LookPath("taskset")
	if err != nil {
		return nil, fmt.Errorf("needing taskset (Debian: util-linux): %w", err)
	}
	return []string{path, "-c", cores}, nil
}
