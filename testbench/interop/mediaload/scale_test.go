//go:build !long

package mediaload

import "time"

// What a test run has time for, on a machine that does other work.
const (
	siegeInterval = 200 * time.Millisecond
	siegeLasts    = time.Second
	siegeRate     = 2000
	setUps        = 20_000
)
