//go:build linux && !race

package numberdb

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const pageBits = 21 // a huge page of amd64 and arm64

// regionPages is how many pages are asked of the kernel at a time. What nobody
// touches takes addresses only.
const regionPages = 32

// region is memory that the collector knows nothing of.
type region struct {
	begin unsafe.Pointer
	size  uintptr
}

// newRegion maps pages; the second result is the first of them.
func newRegion() (region, unsafe.Pointer) {
	const size = (regionPages + 1) * pageSize // one more, to align the others
	begin, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		// The heap ends the process where it has no memory either.
		first := heapPages(regionPages)
		return region{}, first
	}
	return region{begin, size}, unsafe.Add(begin, -uintptr(begin)&(pageSize-1))
}

func (r region) unmap() {
	if r.begin != nil {
		_ = unix.MunmapPtr(r.begin, r.size)
	}
}

// onHugePage asks for one huge page below a page of ours: a lookup at random then
// misses the cache, but not the TLB too. Where the kernel has none to give, nothing
// changes.
func onHugePage(page unsafe.Pointer) {
	_ = unix.Madvise(unsafe.Slice((*byte)(page), pageSize), unix.MADV_HUGEPAGE)
}

// discard gives memory back. It reads as zeros from then on, or as before where the
// kernel would not have it.
func discard(begin unsafe.Pointer, size int) {
	if !discardable(uintptr(begin), size, os.Getpagesize()) {
		return
	}
	_ = unix.Madvise(unsafe.Slice((*byte)(begin), size), unix.MADV_DONTNEED)
}

// discardable tells whether these are whole pages of the kernel's, which may be of
// 16 or 64 KiB on arm64. Of a part of one it would discard the rest too: madvise
// rounds the length up.
func discardable(begin uintptr, size, kernelPage int) bool {
	return begin%uintptr(kernelPage) == 0 && size%kernelPage == 0
}
