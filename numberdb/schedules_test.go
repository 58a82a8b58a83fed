//go:build race && !long

package numberdb

// How many schedules of one reader and one writer each interleaving gets.
const (
	scheduled = 120
	byChance  = 40
)
