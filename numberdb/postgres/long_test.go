//go:build peers && long

package postgres

import (
	"testing"
	"time"
)

func TestRoutingWhileTheServerStandsStillForAMinute(t *testing.T) {
	store, _ := newStore(t, replicating)
	r := startRouted(t, store)
	r.waitForCommits(t, 50)
	standStill(t, time.Minute)
	r.settle(t)
}
