package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// target is what is measured: a process, or one and its children.
type target struct {
	pid  int
	addr string // where calls go
}

// clockTick is the unit of times in /proc.
const clockTick = 10 * time.Millisecond

// cpu is what the process and its children have used so far.
func (t *target) cpu() (time.Duration, error) {
	var sum time.Duration
	err := t.each(func(dir string) error {
		text, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			return err
		}
		_, fields, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
		f := strings.Fields(fields)
		const user, system = 11, 12
		if len(f) <= system {
			return fmt.Errorf("%s/stat is short", dir)
		}
		a, _ := strconv.ParseInt(f[user], 10, 64)
		b, _ := strconv.ParseInt(f[system], 10, 64)
		sum += time.Duration(a+b) * clockTick
		return nil
	})
	return sum, err
}

// memory is the proportional set size of the process and its children, octets.
func (t *target) memory() (int64, error) {
	var sum int64
	err := t.each(func(dir string) error {
		text, err := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
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

// each calls f for the folder in /proc of the process and of its children.
func (t *target) each(f func(dir string) error) error {
	self := fmt.Sprintf("/proc/%d", t.pid)
	if err := f(self); err != nil {
		return fmt.Errorf("reading the usage: %w", err)
	}
	children, err := os.ReadFile(fmt.Sprintf("%s/task/%d/children", self, t.pid))
	if err != nil {
		return fmt.Errorf("reading the usage: %w", err)
	}
	for _, pid := range strings.Fields(string(children)) {
		if err := f("/proc/" + pid); err != nil {
			return fmt.Errorf("reading the usage: %w", err)
		}
	}
	return nil
}
