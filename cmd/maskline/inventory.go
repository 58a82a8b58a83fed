package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"maskline/api"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// masksAtOnce are written in one transaction, which others wait for, and which is
// given up after sessions.Config.Commit.
const masksAtOnce = 10_000

// operatorActor stands in the history of masks for who works at the command line.
const operatorActor = numberdb.OperatorActor

// stock is what holds the pools and masks: the owner of a running edge, or the
// store alone.
type stock interface {
	stockReader
	stockWriter
}

type stockReader interface {
	Ready(ctx context.Context) error
	Pools() []numberdb.Pool
	Masks(pool string) []numberdb.Mask // "*": of all
	History(ctx context.Context, mask e164.Number, limit int) ([]numberdb.MaskEvent, error)
}

type stockWriter interface {
	PutPools(ctx context.Context, pools []numberdb.Pool) error
	RemovePool(ctx context.Context, name string) error
	PutMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error
	ShelveMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error // keeps the states of those that exist
}

// inventory is the stock in the words of the API.
type inventory struct {
	stock
	bindings *bindings
	report   func() allocator.Report // nil: no edge runs
	actor    string                  // of changes; empty: operatorActor
}

// Ready waits for the stock.
func (v *inventory) Ready(ctx context.Context) error { return problemOf(v.stock.Ready(ctx)) }

// PutMasks writes masks with a line of their history.
func (v *inventory) PutMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	return problemOf(v.stock.PutMasks(ctx, masks, why, actor))
}

// ShelveMasks likewise, and keeps the states of masks that exist.
func (v *inventory) ShelveMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	return problemOf(v.stock.ShelveMasks(ctx, masks, why, actor))
}

// PutPools writes pools.
func (v *inventory) PutPools(ctx context.Context, pools []numberdb.Pool) error {
	return problemOf(v.stock.PutPools(ctx, pools))
}

// Import adds or changes the masks of a whole CSV, or nothing of it where it has a
// fault. One with very many is written in parts.
func (v *inventory) Import(ctx context.Context, csv io.Reader, pool string) (int, error) {
	if err := v.Ready(ctx); err != nil {
		return 0, err
	}
	pools := map[string]bool{}
	for _, p := range v.Pools() {
		pools[p.Name] = true
	}
	if pool != "" && !pools[pool] {
		return 0, noPool(pool)
	}
	rows, err := numberdb.ReadMasks(ctx, csv, pool, numberdb.KnownForMasks{
		Carrier: v.bindings.known.Load().Carrier, Pool: func(name string) bool { return pools[name] },
	})
	if err != nil {
		return 0, err
	}
	change, faults := v.merge(rows)
	if len(faults.List) > 0 {
		return 0, faults
	}
	done, all := 0, len(change.shelved)+len(change.put)
	for _, some := range []struct {
		masks []numberdb.Mask
		write func(context.Context, []numberdb.Mask, string, string) error
	}{{change.shelved, v.ShelveMasks}, {change.put, v.PutMasks}} {
		for part := range slices.Chunk(some.masks, masksAtOnce) {
			if err := some.write(ctx, part, "imported", cmp.Or(v.actor, operatorActor)); err != nil {
				if done == 0 {
					return 0, err
				}
				return 0, &api.Problem{
					Problem: fmt.Sprintf("%d of %d masks were written, import the file again for the rest: %v", done, all, err), Code: api.CodeUnavailable,
				}
			}
			done += len(part)
		}
	}
	return len(rows), nil
}

// imported are the masks that a file changes.
type imported struct {
	shelved []numberdb.Mask // new ones, and those whose states the file leaves alone
	put     []numberdb.Mask // those to which it gives another state
}

// merge is what rows change, and what of them cannot be.
func (v *inventory) merge(rows []numberdb.MaskRow) (change imported, faults *numberdb.Faults) {
	faults = &numberdb.Faults{}
	fault := func(line int, want string) {
		faults.Add(numberdb.Fault{Line: line, Want: "number: " + want})
	}
	known := map[e164.Number]numberdb.Mask{}
	for _, m := range v.Masks("*") {
		known[m.Number.Canonical()] = m
	}
	parties, now := v.parties(rows), time.Now().UTC().Truncate(time.Microsecond)
	for i := range rows {
		m := rows[i].Mask
		before, old := known[m.Number]
		if parties[m.Number] {
			fault(rows[i].Line, "is that of a participant in a session or binding; expected a number of your own")
			continue
		}
		m.Since = now
		if old && (rows[i].KeepState || m.State == before.State) {
			m.State, m.Since = before.State, before.Since
		}
		if old && m.State != before.State && v.lease(m.Number) != 0 {
			fault(rows[i].Line, "is leased: its state is to stay held until the lease ends")
			continue
		}
		m.Number = cmp.Or(before.Number, m.Number)
		switch {
		case old && m.State != before.State:
			change.put = append(change.put, m)
		case !old || !reflect.DeepEqual(before, m):
			change.shelved = append(change.shelved, m)
		}
	}
	return change, faults
}

// parties are the numbers of rows that somebody has who is connected now.
func (v *inventory) parties(rows []numberdb.MaskRow) map[e164.Number]bool {
	asked, found, now := make(map[e164.Number]struct{}, len(rows)), map[e164.Number]bool{}, time.Now()
	for i := range rows {
		asked[rows[i].Mask.Number] = struct{}{}
	}
	note := func(n e164.Number) {
		if _, is := asked[n.Canonical()]; is {
			found[n.Canonical()] = true
		}
	}
	v.bindings.table.Each(func(b numberdb.Binding) bool {
		if b.Live(now) {
			note(b.Party)
			if b.To.Kind == numberdb.Tel {
				note(b.To.Number)
			}
		}
		return true
	})
	return found
}

// lease is the one that lives and has the mask; 0: none has.
func (v *inventory) lease(mask e164.Number) numberdb.ID {
	b, status := v.bindings.table.Lookup(mask, 0, time.Now())
	if status != numberdb.Public {
		return 0
	}
	return b.Session
}

// Export writes all masks as CSV.
func (v *inventory) Export(ctx context.Context, w io.Writer) error {
	if err := v.Ready(ctx); err != nil {
		return err
	}
	return numberdb.ExportMasks(w, v.Masks("*"))
}

// List gives those that the query asks for.
func (v *inventory) List(ctx context.Context, q api.NumberQuery) ([]api.Number, error) {
	if err := v.Ready(ctx); err != nil {
		return nil, err
	}
	masks, err := v.selected(q)
	if err != nil {
		return nil, err
	}
	loads, now := map[e164.Number]int{}, time.Now()
	v.bindings.table.Each(func(b numberdb.Binding) bool {
		if b.Party != 0 && b.Live(now) {
			loads[b.Mask]++
		}
		return true
	})
	list := make([]api.Number, 0, len(masks))
	for i := range masks {
		n := numberOf(&masks[i])
		n.Parties = loads[masks[i].Number.Canonical()]
		list = append(list, n)
	}
	if q.Number == "" {
		return list, nil
	}
	history, err := v.History(ctx, masks[0].Number, 0)
	if err != nil {
		return nil, err
	}
	for _, e := range history {
		list[0].History = append(list[0].History, api.NumberEvent{At: e.At, State: e.What.String(), Why: e.Why, Actor: e.Actor})
	}
	return list, nil
}

func (v *inventory) selected(q api.NumberQuery) ([]numberdb.Mask, error) {
	if q.Number != "" {
		return v.named([]string{q.Number})
	}
	if q.State != "" {
		if _, err := numberdb.ParseMaskState(q.State); err != nil {
			return nil, bad("state", "state: expected free, held, quarantined, watchlisted, draining or retired")
		}
	}
	if q.Country != "" && !isCountry(q.Country) {
		return nil, errCountry
	}
	if q.Pool != "" && !slices.ContainsFunc(v.Pools(), func(p numberdb.Pool) bool { return p.Name == q.Pool }) {
		return nil, noPool(q.Pool)
	}
	return slices.DeleteFunc(v.Masks(cmp.Or(q.Pool, "*")), func(m numberdb.Mask) bool {
		return q.State != "" && m.State.String() != q.State || q.Country != "" && !strings.EqualFold(q.Country, m.Country)
	}), nil
}

// named are the masks of texts, all of them or an error.
func (v *inventory) named(texts []string) ([]numberdb.Mask, error) {
	known := map[e164.Number]numberdb.Mask{}
	for _, m := range v.Masks("*") {
		known[m.Number.Canonical()] = m
	}
	list := make([]numberdb.Mask, 0, len(texts))
	for i, text := range texts {
		number, err := e164.ParseMask(plainNumber(text))
		if err != nil {
			return nil, bad(fmt.Sprintf("numbers[%d]", i), fmt.Sprintf("number %d: expected 7 to 15 digits from the country code on, or a short code such as 44:60123", i+1))
		}
		m, is := known[number.Canonical()]
		if !is {
			return nil, &api.Problem{Problem: fmt.Sprintf("number %d: there is no such mask; numbers list shows all", i+1), Code: api.CodeNotFound}
		}
		if !slices.ContainsFunc(list, func(other numberdb.Mask) bool { return other.Number == m.Number }) {
			list = append(list, m)
		}
	}
	return list, nil
}

// plainNumber is a number without what people write between the digits.
func plainNumber(text string) string {
	return strings.NewReplacer(" ", "", "-", "", ".", "").Replace(text)
}

func numberOf(m *numberdb.Mask) api.Number {
	n := api.Number{
		Number: m.Number.Reveal(), Pool: m.Pool, Kind: m.Kind.String(), Country: m.Country, Region: m.Region,
		Services: m.Services.String(), Carrier: m.Carrier, Presents: m.Presents, Flags: m.Flags.Names(), State: m.State.String(), Since: m.Since,
	}
	if m.Cost > 0 {
		n.Cost = numberdb.FormatMillionths(m.Cost)
	}
	return n
}

// leasedError says that a mask's state is to stay held.
type leasedError struct {
	mask  e164.Number
	lease numberdb.ID
}

func (e *leasedError) Error() string {
	return fmt.Sprintf("number %s is leased: end its session first, %s", e.mask.Reveal(), e.lease.Text(numberdb.SessionPrefix))
}

// SetState drains, releases, watchlists or retires masks, all or none.
func (v *inventory) SetState(ctx context.Context, s api.NumberStates) (int, error) {
	if err := v.Ready(ctx); err != nil {
		return 0, err
	}
	state, err := numberdb.ParseMaskState(s.State)
	if err != nil || state == numberdb.Held || state == numberdb.Quarantined {
		return 0, bad("state", "state: expected free, watchlisted, draining or retired")
	}
	masks, err := v.named(s.Numbers)
	if err != nil {
		return 0, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	masks = slices.DeleteFunc(masks, func(m numberdb.Mask) bool { return m.State == state })
	for i := range masks {
		if id := v.lease(masks[i].Number); id != 0 {
			return 0, &leasedError{masks[i].Number, id}
		}
		masks[i].State, masks[i].Since = state, now
	}
	if len(masks) == 0 {
		return 0, nil
	}
	return len(masks), v.PutMasks(ctx, masks, s.Why, cmp.Or(v.actor, operatorActor))
}

// offlineStock is the store's where no edge runs.
type offlineStock struct {
	store   stores
	records *ledgerOfChanges
	pools   map[string]numberdb.Pool
	masks   []numberdb.Mask // in the order of numbers

	refused int // rows of pools and masks that are left out
}

func loadStock(ctx context.Context, store stores) (*offlineStock, error) {
	s := &offlineStock{store: store, pools: map[string]numberdb.Pool{}}
	read, err := store.Inventory(ctx, numberdb.InventoryQuery{}, func(p numberdb.Pool) { s.pools[p.Name] = p }, func(m numberdb.Mask) { s.masks = append(s.masks, m) })
	s.refused = read.Refused
	slices.SortFunc(s.masks, func(a, b numberdb.Mask) int { return cmp.Compare(a.Number, b.Number) })
	return s, err
}

// Ready is true from the start.
func (s *offlineStock) Ready(context.Context) error { return nil }

// Pools are those of the store, in the order of names.
func (s *offlineStock) Pools() []numberdb.Pool {
	return slices.SortedFunc(maps.Values(s.pools), func(a, b numberdb.Pool) int { return cmp.Compare(a.Name, b.Name) })
}

// Masks are those of a pool, or all.
func (s *offlineStock) Masks(pool string) []numberdb.Mask {
	return slices.DeleteFunc(slices.Clone(s.masks), func(m numberdb.Mask) bool { return pool != "*" && m.Pool != pool })
}

// History is the store's.
func (s *offlineStock) History(ctx context.Context, mask e164.Number, limit int) ([]numberdb.MaskEvent, error) {
	return s.store.History(ctx, mask, limit)
}

// PutPools writes pools; what was read stays as it is.
func (s *offlineStock) PutPools(ctx context.Context, pools []numberdb.Pool) error {
	return s.commit(ctx, &numberdb.Writes{Pools: pools})
}

// RemovePool deletes a pool without masks.
func (s *offlineStock) RemovePool(ctx context.Context, name string) error {
	return s.commit(ctx, &numberdb.Writes{Gone: numberdb.Gone{Pools: []string{name}}})
}

// PutMasks writes masks with a line of their history.
func (s *offlineStock) PutMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	return s.commit(ctx, &numberdb.Writes{Masks: masks, Events: linesOf(masks, why, actor)})
}

// ShelveMasks likewise, and keeps the states of masks that exist.
func (s *offlineStock) ShelveMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	return s.commit(ctx, &numberdb.Writes{Shelved: masks, Events: linesOf(masks, why, actor)})
}

func linesOf(masks []numberdb.Mask, why, actor string) (lines []numberdb.MaskEvent) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range masks {
		lines = append(lines, numberdb.MaskEvent{Mask: masks[i].Number, At: now, What: masks[i].State, Why: why, Actor: actor})
	}
	return lines
}

func (s *offlineStock) commit(ctx context.Context, writes *numberdb.Writes) error {
	return s.records.Commit(numberdb.WithActor(ctx, numberdb.OperatorActor), writes)
}
