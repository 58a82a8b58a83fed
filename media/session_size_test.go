package media

import (
	"testing"
	"unsafe"
)

// The heap hands out pieces of certain sizes: a session that outgrows its own takes
// 128 octets more in each call.
func TestSessionFits(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 760 {
		t.Errorf("%d octets, more than 760 and the 8 of the heap take 896: a side has %d, a port %d", size, unsafe.Sizeof(side{}), unsafe.Sizeof(port{}))
	}
	if size := unsafe.Sizeof(seldom{}) + unsafe.Sizeof(owner{}); size > 96 {
		t.Errorf("owner and seldom: %d octets", size)
	}
}
