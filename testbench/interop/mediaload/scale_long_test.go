//go:build long

package mediaload

import "time"

// Real calls, and a day's set-ups.
const (
	siegeInterval = 20 * time.Millisecond
	siegeLasts    = 20 * time.Second
	siegeRate     = 5000
	setUps        = 200_000
)
