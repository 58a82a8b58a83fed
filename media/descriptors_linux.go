package media

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spareDescriptors is what the rest of the process is left beside its connections.
const spareDescriptors = 512

// limits reads and writes a resource limit of the process.
type limits struct {
	get, set func(resource int, limit *unix.Rlimit) error
}

func reserveDescriptors(cfg Config) error {
	if err := (limits{unix.Getrlimit, unix.Setrlimit}).reserve(cfg); err != nil {
		return err
	}
	growDescriptors(descriptorsFor(&cfg))
	return nil
}

// growDescriptors makes the kernel's table of the process hold as many. It would double
// it each time that it is full, and let the call that needs the next one wait until all
// processors have been through their schedulers: milliseconds. Where it fails it does.
func growDescriptors(n uint64) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return
	}
	if last, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, int(n-1)); err == nil {
		_ = unix.Close(last)
	}
	_ = unix.Close(fd)
}

// descriptorsFor is how many may be open at once.
func descriptorsFor(cfg *Config) uint64 {
	return uint64(2*countPairs(cfg.PortMin, cfg.PortMax)*len(cfg.addresses()) + cfg.Connections + spareDescriptors)
}

// reserve sees to it that every port of the range and every connection can be open
// at once, raising the limit where that is permitted.
func (l limits) reserve(cfg Config) error {
	need := descriptorsFor(&cfg)
	var limit unix.Rlimit
	if err := l.get(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	if limit.Cur >= need {
		return nil
	}
	if err := l.set(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: need, Max: max(limit.Max, need)}); err != nil {
		beside, less := "", ""
		if cfg.Connections > 0 {
			beside, less = fmt.Sprintf(" and %d connections", cfg.Connections), ", or allow fewer connections"
		}
		return fmt.Errorf("media ports %d-%d%s need a limit of %d open files and it is %d: raise it (LimitNOFILE, ulimit -n) or narrow the range%s",
			cfg.PortMin, cfg.PortMax, beside, need, limit.Max, less)
	}
	return nil
}
