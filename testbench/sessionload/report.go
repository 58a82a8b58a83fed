package sessionload

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Report is what a run made, and what the store holds of it.
type Report struct {
	Sessions int            `json:"sessions"`
	Masks    int            `json:"masks"`
	People   int            `json:"people"`
	Clients  int            `json:"clients"`
	Seconds  float64        `json:"seconds"`
	Rate     float64        `json:"sessions_per_second"`
	P50      float64        `json:"p50_ms"`
	P99      float64        `json:"p99_ms"`
	Failures map[string]int `json:"failures,omitempty"`

	Doubles int `json:"collisions_told"`     // one mask, one person, two sessions: by the answers
	Rows    int `json:"bindings_in_store"`   // distinct keys that live
	Stored  int `json:"sessions_in_store"`   // that live
	Twice   int `json:"collisions_in_store"` // keys that were read twice
	Wrong   int `json:"wrong_in_store"`      // of another session than was answered, or not there
	Table   int `json:"bindings_in_table"`

	Parties Spread `json:"parties_per_mask"`
}

// Spread is how a count is distributed over masks.
type Spread struct {
	Min  int     `json:"min"`
	P01  int     `json:"p01"`
	P50  int     `json:"p50"`
	P99  int     `json:"p99"`
	Max  int     `json:"max"`
	Mean float64 `json:"mean"`
}

func (l *load) report(took time.Duration) *Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Report{
		Sessions: int(l.made.Load()), Masks: l.Masks, People: l.People, Clients: l.Clients, Seconds: took.Seconds(),
		Rate: float64(l.made.Load()) / took.Seconds(), Failures: l.failures, Doubles: l.doubles,
	}
	slices.Sort(l.times)
	r.P50, r.P99 = milliseconds(l.times, 0.5), milliseconds(l.times, 0.99)
	return r
}

func milliseconds(sorted []time.Duration, quantile float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(quantile*float64(len(sorted)-1))].Microseconds()) / 1000
}

// verify reads the whole store and compares it with what was answered.
func (l *load) verify(ctx context.Context, store Store, table *numberdb.Table, r *Report) error {
	now := time.Now()
	rows := make(map[numberdb.BindingKey]numberdb.ID, len(l.told))
	parties := make(map[e164.Number]int, l.Masks)
	feed, err := store.Feed(ctx, 0)
	if err != nil {
		return fmt.Errorf("reading the bindings: %w", err)
	}
	defer func() { _ = feed.Close() }() // it was only read
	if _, err := feed.Load(ctx, func(b numberdb.Binding) {
		if !b.Live(now) {
			return
		}
		if _, again := rows[b.Key()]; again {
			r.Twice++
		}
		rows[b.Key()] = b.Session
		parties[b.Mask]++
	}); err != nil {
		return fmt.Errorf("reading the bindings: %w", err)
	}
	for key, session := range l.told {
		if rows[key] != session {
			r.Wrong++
		}
	}
	query := numberdb.SessionQuery{Live: now, Limit: 10_000}
	for {
		page, err := store.Sessions(ctx, query)
		if err != nil {
			return fmt.Errorf("reading the sessions: %w", err)
		}
		r.Stored += len(page)
		if len(page) < query.Limit {
			break
		}
		query.After = page[len(page)-1].ID
	}
	r.Rows, r.Table = len(rows), table.Len()
	r.Parties = spread(parties, l.Masks)
	return nil
}

func spread(parties map[e164.Number]int, masks int) Spread {
	counts := slices.Sorted(maps.Values(parties))
	counts = append(make([]int, max(0, masks-len(counts))), counts...)
	sum := 0
	for _, n := range counts {
		sum += n
	}
	at := func(q float64) int { return counts[int(q*float64(len(counts)-1))] }
	return Spread{Min: counts[0], P01: at(0.01), P50: at(0.5), P99: at(0.99), Max: at(1), Mean: float64(sum) / float64(len(counts))}
}

// Faulty names what is not as it has to be.
func (r *Report) Faulty() (faults []string) {
	for _, f := range []struct {
		is   bool
		name string
	}{
		{r.Doubles > 0, "a person was told one mask twice"},
		{r.Twice > 0, "the store has one mask twice for a person"},
		{r.Wrong > 0, "answers and store differ"},
		{r.Stored != r.Sessions, "sessions are missing in the store, or too many"},
		{r.Rows != 2*r.Sessions, "bindings are missing in the store, or too many"},
		{r.Table != r.Rows, "the table differs from the store"},
		{len(r.Failures) > 0, "requests failed"},
	} {
		if f.is {
			faults = append(faults, f.name)
		}
	}
	return faults
}

// Write prints the report as a table.
func (r *Report) Write(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = w.Flush() }() // as with Fprintf to a console
	fmt.Fprintf(w, "sessions at once\t%d\tof %d people on %d masks\n", r.Sessions, r.People, r.Masks)
	fmt.Fprintf(w, "made in\t%.2f s\t%.0f a second with %d clients\n", r.Seconds, r.Rate, r.Clients)
	fmt.Fprintf(w, "answered in\t%.2f ms\tp99 %.2f ms: written and routed\n", r.P50, r.P99)
	fmt.Fprintf(w, "parties per mask\t%.1f\tmin %d, 1%% %d, median %d, 99%% %d, max %d\n", r.Parties.Mean, r.Parties.Min, r.Parties.P01, r.Parties.P50, r.Parties.P99, r.Parties.Max)
	fmt.Fprintf(w, "collisions\t%d\tby the answers\n", r.Doubles)
	fmt.Fprintf(w, "\t%d\tby the store, of %d bindings of %d sessions\n", r.Twice, r.Rows, r.Stored)
	fmt.Fprintf(w, "differences\t%d\tbetween answers and store; %d bindings in the table\n", r.Wrong, r.Table)
	for _, why := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, "refused\t%d\t%s\n", r.Failures[why], why)
	}
}
