package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/testbench/await"
	"maskline/testbench/process"
)

// A process that would use all of a core uses the part that it may.
func TestQuotas(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lift, err := hostQuotas.limit(cmd.Process.Pid, 10)
	if err == nil {
		groups := groupsOf(t, cmd.Process.Pid)
		if !strings.Contains(groups, "maskline-bench-") {
			t.Errorf("it is in %s", groups)
		}
		before, start := cpu(t, cmd.Process.Pid), time.Now()
		await.That(t, time.Minute, "it uses something", func() bool { return cpu(t, cmd.Process.Pid)-before >= 50*time.Millisecond })
		if took := time.Since(start); took < 200*time.Millisecond {
			t.Errorf("it used 50 ms of CPU in %v", took)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	switch {
	case errors.Is(err, errNoQuota):
		t.Log("not limited here:", err)
	case err != nil:
		t.Fatal(err)
	default:
		if err := lift(); err != nil {
			t.Error(err)
		}
	}
}

func TestAHostWithoutQuotas(t *testing.T) {
	for _, folder := range []string{".", "cpu"} {
		q := quotas{t.TempDir()}
		if err := os.MkdirAll(filepath.Join(q.root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := q.limit(os.Getpid(), 10); !errors.Is(err, errNoQuota) {
			t.Errorf("got %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(q.root, folder, "maskline-*")); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	}
}

func TestRatiosOfFullThreads(t *testing.T) {
	slow, fast := full{offered: 100, relayed: 40, busy: 1}, full{offered: 200, relayed: 76, busy: 1}
	lacking, kept := full{offered: 100, relayed: 99, busy: 1}, full{offered: 200, relayed: 50, busy: 0.7}
	for _, tt := range []struct {
		name     string
		one, two []full
		want     string
	}{
		{"all full", []full{slow, slow}, []full{fast, fast}, "**1.90 times** (1.90 times, 1.90 times)"},
		{"one is not", []full{slow, lacking}, []full{fast, fast}, "not full: nothing can be told"},
		{"two are not", []full{slow}, []full{lacking}, "not full: nothing can be told"},
		{"others kept it from its cores", []full{slow}, []full{kept}, "not full: nothing can be told"},
		{"nothing came", []full{{offered: 100, busy: 1}}, []full{fast}, "not full: nothing can be told"},
	} {
		if got := scaled(tt.one, tt.two); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func groupsOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	used, err := process.CPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	return used
}
