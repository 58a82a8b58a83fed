//go:build !long

package media

// anythings is how many packets TestIntakeOfAnything feeds: what a test run has time for.
const anythings = 40_000
