// Package figures writes what benchmarks measured into sections of a document.
package figures

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

const preface = `# Benchmarks

Written by ` + "`make bench-smpp`, `make bench-sip`, `make bench-media`, `make bench-numberdb`, `make bench-api` and `make bench-peers`" + `, each its own section; every figure of a run is here, the bad ones too.
Medians are bold, all runs are in brackets. Generator, peers and edge share the machine and its loopback. CPU is user and
system time of the measured process alone. Absolute figures drift from day to day; ratios within one section count.
`

// Head is a section's beginning: where and when. The command is what measured it.
func Head(title, command string) string {
	return fmt.Sprintf("## %s\n\n%s, commit %s, %s\n%d cores (%s), %s, load average before %s. Command: `%s`\n\n",
		title, time.Now().UTC().Format("2006-01-02 15:04 UTC"), commit(), runtime.Version(), runtime.NumCPU(), processor(), kernel(), loadAverage(), command)
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output() //nolint:noctx // it ends by itself
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(text))
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// WriteSection replaces a section of the document, or adds it.
func WriteSection(file, name, text string) error {
	begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- /"+name+" -->\n")
	old, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		old, err = []byte(preface), nil
	}
	if err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	section := append(append(bytes.Clone(begin), text...), end...)
	before, rest, found := bytes.Cut(old, begin)
	_, after, ended := bytes.Cut(rest, end)
	switch {
	case found && ended:
		old = append(append(bytes.Clone(before), section...), after...)
	case found:
		return fmt.Errorf("writing the document: section %s has no end", name)
	default:
		old = append(append(old, '\n'), section...)
	}
	if err := os.WriteFile(file, old, 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	return nil
}

// Median is the middle of the figures; of an even number the lower one, of none 0.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return v[(len(v)-1)/2]
}
