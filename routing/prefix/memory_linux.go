package prefix

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// onHugePages asks for huge pages of the kernel's below memory that is yet to be
// filled: a walk at random then misses the cache, but not the TLB too. Where the
// kernel has none to give, nothing changes.
func onHugePages(lines []packed) {
	octets := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(lines))), len(lines)*int(unsafe.Sizeof(packed(0))))
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(octets))) & (hugePage - 1))
	if whole := (len(octets) - skip) / hugePage * hugePage; whole > 0 {
		_ = unix.Madvise(octets[skip:skip+whole], unix.MADV_HUGEPAGE)
	}
}
