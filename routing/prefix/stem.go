package prefix

import (
	"math/bits"

	"maskline/e164"
)

// stem is a prefix that is to be found: its digits as an integer, and in the lowest
// bits their count.
type stem uint64

func (d Digits) stem() stem { return stemOf(d.padded(), d.Len()) }

// stemOf is the first digits of an integer of 15.
func stemOf(padded uint64, count int) stem {
	by := &inverses[(e164.MaxDigits-count)&e164.MaxDigits]
	first, _ := bits.Mul64(padded<<13, by.factor)
	return stem(first>>by.shift<<countBits | uint64(count))
}

// inverses divide what is below 2^50 by the powers of ten, up to that of MaxDigits:
// times factor, without the last 51+shift bits. factor is 2^(51+shift) through the power,
// and the next integer. // Granlund, Montgomery, Division by invariant integers using multiplication, 1994
var inverses = [e164.MaxDigits + 1]struct {
	factor uint64
	shift  uint8
}{
	{1 << 51, 0},
	{1<<54/10 + 1, 3},
	{1<<57/100 + 1, 6},
	{1<<60/1000 + 1, 9},
	{1<<64/10_000 + 1, 13},
	{1<<67/100_000 + 1, 16},
	{1<<70/1_000_000 + 1, 19},
	{1<<74/10_000_000 + 1, 23},
	{1<<77/100_000_000 + 1, 26},
	{1<<80/1_000_000_000 + 1, 29},
	{1<<84/10_000_000_000 + 1, 33},
	{1<<87/100_000_000_000 + 1, 36},
	{1<<90/1_000_000_000_000 + 1, 39},
	{1<<94/10_000_000_000_000 + 1, 43},
	{1<<97/100_000_000_000_000 + 1, 46},
	{1<<100/1_000_000_000_000_000 + 1, 49},
}
