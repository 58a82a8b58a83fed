package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"maskline/api/usage"
	"maskline/configs"
	"maskline/numberdb"
)

// newMeter makes what counts the traffic of tenants. It comes after the store.
func (e *edge) newMeter() (err error) {
	e.meter, err = usage.NewMeter(usage.Config{Holder: holder(e.cfg), Tell: e.told.spent}, e.store, e.now, e.log.Named("usage"), e.metrics)
	if err != nil {
		return fmt.Errorf("making the meter of traffic: %w", err)
	}
	e.meter.SetLimits(spendLimits(e.cfg))
	return nil
}

// holder names this process in the store: a node's name may be that of another one by
// mistake.
func holder(cfg *configs.Config) string {
	var ids numberdb.IDs
	return string(cfg.Node) + " " + ids.Next(time.Now()).Text("")
}

// spendLimits are those of tenants[].spend_day, in millionths.
func spendLimits(cfg *configs.Config) map[string]int64 {
	limits := map[string]int64{}
	for i := range cfg.Tenants {
		if t := &cfg.Tenants[i]; t.SpendDay > 0 {
			limits[string(t.Name)] = max(1, int64(math.Round(t.SpendDay*millionths)))
		}
	}
	return limits
}

const millionths = 1_000_000

type spentTold struct {
	Quota   string `json:"quota"`
	Percent int    `json:"percent"`
	Day     string `json:"day"`
}

// spent tells a tenant, once in a day for all edges, how much it has spent of what it
// may.
func (t *eventing) spent(tenant string, day numberdb.Day, percent int) {
	kind := "quota.warning"
	if percent >= 100 {
		kind = "quota.reached"
	}
	t.note(tenant, kind, fmt.Sprintf("spend %s %d", day, percent), spentTold{"spend_day", percent, day.String()})
}

// runMeter counts until ctx ends.
func (e *edge) runMeter(ctx context.Context) error {
	e.meter.Run(ctx)
	return nil
}
