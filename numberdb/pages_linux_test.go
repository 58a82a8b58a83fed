//go:build linux && !race

package numberdb

import "testing"

func TestOnlyWholeKernelPagesAreDiscarded(t *testing.T) {
	const begin = 1 << 30
	cases := []struct {
		name             string
		begin            uintptr
		size, kernelPage int
		want             bool
	}{
		{"a unit of 4 KiB", begin + 4<<10, 4 << 10, 4 << 10, true},
		{"a unit, pages of 16 KiB", begin, 4 << 10, 16 << 10, false},
		{"four units across pages of 16 KiB", begin + 4<<10, 16 << 10, 16 << 10, false},
		{"a unit, pages of 64 KiB", begin, 4 << 10, 64 << 10, false},
		{"a page of the table, pages of 64 KiB", begin, pageSize, 64 << 10, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := discardable(c.begin, c.size, c.kernelPage); got != c.want {
				t.Errorf("discardable: %v", got)
			}
		})
	}
}
