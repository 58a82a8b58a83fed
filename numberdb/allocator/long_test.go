//go:build long

package allocator

import (
	"fmt"
	"testing"
)

func TestNoDoubleInTenMillionAllocations(t *testing.T) { allocations(t, 64, 8_000, 10) }

func TestDistributionOfManySessions(t *testing.T) {
	for _, starts := range []int{1, 2, 4, 8} {
		for _, more := range []int{0, 500_000} {
			crowd(t, starts, more)
		}
	}
}

func TestRandomLivesForLong(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			live(t, 100+seed, 400_000)
		})
	}
}
