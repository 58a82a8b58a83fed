//go:build long

package mediaload

import "time"

// Half of the packets of real calls, since what sends them needs as much of the
// machine as the relay and no packet may be lost; and a day's set-ups.
const (
	siegeInterval = 40 * time.Millisecond
	siegeLasts    = 20 * time.Second
	siegeRate     = 5000
	setUps        = 200_000
)
