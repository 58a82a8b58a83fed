package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/process"
)

// target is what is measured: a process, or one and its children.
type target struct {
	pid  int
	addr string // where calls go
}

// cpu is what the process and its children have used so far.
func (t *target) cpu() (sum time.Duration, err error) {
	err = t.each(func(pid int) error {
		used, err := process.CPU(pid)
		sum += used
		return err
	})
	return sum, err
}

// memory is the proportional set size of the process and its children, octets.
func (t *target) memory() (int64, error) {
	var sum int64
	err := t.each(func(pid int) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pss:"); ok {
				n, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				sum += n << 10
			}
		}
		return nil
	})
	return sum, err
}

// each calls f for the process and its children.
func (t *target) each(f func(pid int) error) error {
	if err := f(t.pid); err != nil {
		return fmt.Errorf("reading the usage: %w", err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", t.pid))
	if err != nil {
		return fmt.Errorf("reading the usage: %w", err)
	}
	for _, text := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("reading the usage: %w", err)
		}
		if err := f(pid); err != nil {
			return fmt.Errorf("reading the usage: %w", err)
		}
	}
	return nil
}
