package numberdb

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// onHugePages asks for huge pages below a large table that nobody has touched
// yet: a lookup at random then misses the cache, but not the TLB too. Where the
// kernel has none to give, nothing changes.
func onHugePages(list []slot) {
	size := len(list) * int(unsafe.Sizeof(slot{}))
	if size < 2*hugePage {
		return
	}
	begin := uintptr(unsafe.Pointer(&list[0]))
	skip := int(-begin & (hugePage - 1))
	whole := (size - skip) &^ (hugePage - 1)
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), size)
	_ = unix.Madvise(memory[skip:skip+whole], unix.MADV_HUGEPAGE)
}
