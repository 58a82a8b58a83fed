//go:build race

package numberdb

import "unsafe"

// discard does what the kernel does with memory that is given back: a reader that is
// late reads zeros, from one of the kernel's pages on.
//
//go:norace
func discard(begin unsafe.Pointer, size int) {
	const kernelPage = 4096
	for at := 0; at < size; at += kernelPage {
		pause()
		clear(unsafe.Slice((*uint64)(unsafe.Add(begin, at)), kernelPage/8))
	}
}
