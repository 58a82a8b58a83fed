package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// quotaPeriod is how often a process gets its share: so short that what waits for the
// next one fits into the sockets. The kernel gives out a millisecond at least.
const quotaPeriod = 10 * time.Millisecond

var errNoQuota = errors.New("this host does not let CPU time be limited (cgroup with the controller cpu, as root)")

// quotas are groups of processes with a limit of CPU time. // cgroups(7)
type quotas struct{ root string }

// hostQuotas are where systems mount them.
var hostQuotas = quotas{"/sys/fs/cgroup"}

// limit lets a process use so many per cent of a core, all its threads together, until
// it has ended and lift is called.
func (q quotas) limit(pid, percent int) (lift func() error, err error) {
	parent, unified := filepath.Join(q.root, "cpu"), false
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) {
		parent, unified = q.root, true
	}
	group, err := os.MkdirTemp(parent, "maskline-bench-")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoQuota, err)
	}
	lift = func() error { return os.Remove(group) } // a group is removed with its files
	period, most := quotaPeriod.Microseconds(), quotaPeriod.Microseconds()*int64(percent)/100
	files := [][2]string{{"cpu.cfs_period_us", strconv.FormatInt(period, 10)}, {"cpu.cfs_quota_us", strconv.FormatInt(most, 10)}}
	if unified {
		files = [][2]string{{"cpu.max", fmt.Sprintf("%d %d", most, period)}}
	}
	for _, f := range append(files, [2]string{"cgroup.procs", strconv.Itoa(pid)}) {
		if err := write(filepath.Join(group, f[0]), f[1]); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errNoQuota, err), lift())
		}
	}
	return lift, nil
}

// write does not make a file: the kernel has those of a group.
func write(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.TrimSpace(text))
	return errors.Join(err, f.Close())
}
