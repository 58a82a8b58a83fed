//go:build !linux || race

package numberdb

import "unsafe"

// Where there is no mmap, and under the race detector, which sees the heap only,
// pages come from the heap. It does not scan them.
const (
	pageBits    = 18
	regionPages = 1
)

type region struct{}

func newRegion() (region, unsafe.Pointer) { return region{}, heapPages(regionPages) }

func (region) unmap() {}

func onHugePage(unsafe.Pointer) {}
