package allocator

import (
	"math"
	"testing"
	"time"

	"maskline/numberdb"
)

func TestForecast(t *testing.T) {
	history := func(hours int, need func(hour int) float64) (s []sample) {
		for h := range hours {
			s = append(s, sample{1000 + h, need(h)})
		}
		return s
	}
	daily := func(h int) float64 { return 20 * math.Sin(float64(h)/24*2*math.Pi) }
	for _, c := range []struct {
		name     string
		samples  []sample
		from, to float64 // days
		unknown  bool
	}{
		{"nothing known", nil, 0, 0, true},
		{"too little", history(3, func(h int) float64 { return float64(h) }), 0, 0, true},
		{"steady", history(24*10, func(int) float64 { return 50 }), math.Inf(1), math.Inf(1), false},
		{"by day and night, steady", history(24*10, func(h int) float64 { return 50 + daily(h) }), math.Inf(1), math.Inf(1), false},
		{"2 a day", history(24*10, func(h int) float64 { return 40 + 2*float64(h)/24 }), 19, 21, false},
		{"2 a day, by day and night", history(24*10, func(h int) float64 { return 40 + 2*float64(h)/24 + daily(h) }), 9, 12, false},
		{"24 a day, for half a day", history(12, func(h int) float64 { return 40 + float64(h) }), 1.8, 2.2, false},
		{"shrinking", history(24*10, func(h int) float64 { return 90 - float64(h)/24 }), math.Inf(1), math.Inf(1), false},
		{"one day's peak", history(24*10, func(h int) float64 {
			if h/24 == 4 {
				return 90
			}
			return 50
		}), math.Inf(1), math.Inf(1), false},
		{"exhausted", history(24, func(int) float64 { return 100 }), 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			days, ok := forecast(c.samples, 100)
			if ok == c.unknown || ok && (days < c.from || days > c.to) {
				t.Errorf("%.1f days, known: %v", days, ok)
			}
		})
	}
}

// A pool whose traffic grows is forecast to be exhausted, and by whom a mask
// comes round first sets the reuse distance.
func TestForecastAndReuseDistanceOfAnEngine(t *testing.T) {
	const masks = 100
	e := filled(masks, numberdb.PoolPolicy{Quarantine: time.Hour})
	id := numberdb.ID(0)
	for hour := range 5 * 24 {
		for i := range 5 + hour/4 {
			id++
			now := start.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Hour/time.Duration(5+hour/4))
			pick(t, e, pair(id, partyNumber(0), partyNumber(int(id)), now.Add(time.Minute)), now)
			var x Expired
			e.Expire(now, 1000, &x)
			for _, g := range x.Gone {
				e.Forget(g.Key.Mask, g.Key.Party, g.Session)
			}
		}
	}
	// The party needs what it began within an hour, 34 at last and 6 more a day.
	r := e.Report().Pools[0]
	if r.Days < 9 || r.Days > 13 {
		t.Errorf("exhausted in %.1f days; need %.0f", r.Days, r.Need)
	}
	if want := masks * time.Hour / 34; r.Reuse < want*9/10 || r.Reuse > want*11/10 {
		t.Errorf("reuse distance %v, want about %v", r.Reuse, want)
	}
}
