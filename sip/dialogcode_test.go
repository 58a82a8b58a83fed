package sip

import (
	"slices"
	"testing"
)

// TestInDialogAnswer passes no code on that would end the asker's dialog. RFC 5057
// §5.1 lists them.
func TestInDialogAnswer(t *testing.T) {
	for code, want := range map[int]int{
		302: 500, 401: 500, 403: 403, 404: 500, 405: 500, 406: 488, 407: 500, 408: 504, 410: 500, 415: 488, 480: 500,
		481: 500, 483: 500, 486: 486, 487: 487, 488: 488, 491: 491, 500: 500, 501: 500, 502: 500, 503: 500, 504: 504, 580: 580,
		600: 600, 603: 603, 604: 500, 606: 488,
	} {
		if got := inDialogAnswer(code); got != want {
			t.Errorf("%d becomes %d, want %d", code, got, want)
		}
	}
	ends := []int{404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604}
	for code := 300; code < 700; code++ {
		if got := inDialogAnswer(code); got < 400 || slices.Contains(ends, got) {
			t.Errorf("%d becomes %d", code, got)
		}
	}
}
