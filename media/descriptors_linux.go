package media

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// spareDescriptors is what the rest of the process is left.
const spareDescriptors = 512

// reserveDescriptors sees to it that every port of the range can be open at
// once, raising the process's limit where it may.
func reserveDescriptors(cfg Config) error {
	need := uint64(2*countPairs(cfg.PortMin, cfg.PortMax) + spareDescriptors)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of open files: %w", err)
	}
	if limit.Cur >= need {
		return nil
	}
	raised := unix.Rlimit{Cur: need, Max: max(limit.Max, need)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return fmt.Errorf("media ports %d-%d need a limit of %d open files and it is %d: raise it (LimitNOFILE, ulimit -n) or narrow the range",
			cfg.PortMin, cfg.PortMax, need, limit.Max)
	}
	return nil
}
