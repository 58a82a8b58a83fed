package allocator

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// world is an engine, a store that commits what it decides, and a feed that
// tells the engine of it later. It checks each decision against the store's rows
// and against what was ever shown, slowly and plainly.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	e     *Engine
	now   time.Time
	size  int // masks
	rows  map[numberdb.BindingKey]numberdb.Binding
	shown map[numberdb.BindingKey]showing
	masks map[e164.Number]numberdb.Mask
	pools map[string]numberdb.Pool
	feed  []numberdb.Change
	live  map[numberdb.ID]*meeting
	ids   []numberdb.ID // of live, in order
	last  numberdb.ID

	vague                                 time.Time // until then the engine may hold more than the store
	picked, exhausted, gone, reuse, slots int
	d                                     Decision
	x                                     Ended
	over                                  Expired
}

// meeting is a session and what it asked for.
type meeting struct {
	s *numberdb.Session
	r Request
}

// showing is the last time that a party was shown a mask, and for whom.
type showing struct {
	to    numberdb.Endpoint
	keep  time.Time
	slot  bool
	owner numberdb.ID
}

const (
	worldParties = 9
	worldCeiling = 4
	worldRest    = 40 * time.Second
)

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), now: start, last: 1, size: []int{14, 60}[seed%2], // scarce, and plenty
		rows: map[numberdb.BindingKey]numberdb.Binding{}, shown: map[numberdb.BindingKey]showing{},
		masks: map[e164.Number]numberdb.Mask{}, pools: map[string]numberdb.Pool{}, live: map[numberdb.ID]*meeting{},
	}
	for _, name := range []string{"main", "side"} {
		w.pools[name] = numberdb.Pool{Name: name, Policy: numberdb.PoolPolicy{Quarantine: worldRest, Parties: worldCeiling}}
	}
	for i := range w.size {
		w.masks[maskNumber(i)] = w.someMask(i)
	}
	w.restart()
	return w
}

func (w *world) someMask(i int) numberdb.Mask {
	return numberdb.Mask{
		Number: maskNumber(i), Pool: []string{"main", "main", "side"}[i%3], Country: []string{"GB", "GB", "IE"}[i%5%3],
		Services: []numberdb.Services{numberdb.SMS | numberdb.Voice, numberdb.SMS | numberdb.Voice, numberdb.SMS}[i/2%3],
		Carrier:  []string{"alfa", "bravo", ""}[i%4%3], Flags: numberdb.MaskFlags(i / 3 % 2), Since: w.now,
	}
}

// restart is a new engine that learns everything in random order.
func (w *world) restart() {
	w.e = New(Config{Seed: 5, Remember: 3})
	w.feed, w.vague = nil, w.now
	var tell []func()
	for _, name := range sorted(w.pools) {
		tell = append(tell, func() { w.e.SetPool(w.pools[name]) })
	}
	for _, n := range sorted(w.masks) {
		tell = append(tell, func() { w.e.SetMask(w.masks[n]) })
	}
	for _, k := range w.keys() {
		b := w.rows[k]
		tell = append(tell, func() { w.e.Learn(&b, w.now) })
	}
	w.rand.Shuffle(len(tell), func(i, j int) { tell[i], tell[j] = tell[j], tell[i] })
	for _, f := range tell {
		f()
	}
	w.states(w.e.Orphans(w.now))
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *world) keys() []numberdb.BindingKey {
	keys := make([]numberdb.BindingKey, 0, len(w.rows))
	for k := range w.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b numberdb.BindingKey) int {
		return cmp.Or(cmp.Compare(a.Mask, b.Mask), cmp.Compare(a.Party, b.Party))
	})
	return keys
}

func (w *world) states(changes []StateChange) {
	for _, c := range changes {
		if _, found := w.masks[c.Mask.Number]; found {
			w.masks[c.Mask.Number] = c.Mask
		}
	}
}

// commit writes new rows whose keys must be free when those of replace are
// deleted. It returns the keys that are taken, and writes nothing then.
func (w *world) commit(rows []numberdb.Binding, replace []numberdb.BindingKey, sticky bool) (taken []numberdb.BindingKey) {
	for _, row := range rows {
		k := numberdb.BindingKey{Mask: row.Mask, Party: row.Party}
		old, found := w.rows[k]
		if found && !slices.Contains(replace, k) {
			if old.Session != 0 {
				w.t.Fatal("only the store's key kept a mask from being given twice")
			}
			taken = append(taken, k)
			continue
		}
		was, had := w.shown[k]
		switch {
		case !had || !w.now.Before(was.keep):
		case was.slot && was.owner == row.Session: // checked where it is given
		case !sticky || was.to != row.To:
			w.t.Fatalf("%v was shown to %v for somebody else until %v", k.Mask, k.Party, was.keep.Sub(w.now))
		case found && old.Live(w.now):
			w.t.Fatalf("%v is live for %v", k.Mask, k.Party)
		default:
			w.reuse++
		}
	}
	if taken != nil {
		return taken
	}
	for _, k := range replace {
		w.put(numberdb.Change{Binding: numberdb.Binding{Mask: k.Mask, Party: k.Party}, Deleted: true})
	}
	for _, row := range rows {
		w.put(numberdb.Change{Binding: row})
	}
	return nil
}

// claim commits the rows of a decision, or takes it back where some are taken.
func (w *world) claim(rows []numberdb.Binding, sticky bool) bool {
	taken := w.commit(rows, w.d.Replace, sticky)
	if taken == nil {
		return true
	}
	w.e.Undo(&w.d, w.now, taken...)
	w.vague = w.now.Add(blockedFor + time.Second)
	return false
}

// put changes a row, and tells the feed.
func (w *world) put(c numberdb.Change) {
	k := numberdb.BindingKey{Mask: c.Binding.Mask, Party: c.Binding.Party}
	if c.Deleted {
		delete(w.rows, k)
	} else {
		w.rows[k] = c.Binding
		if c.Binding.Session != 0 {
			was := w.shown[k] // a slot stays one until its session ends
			w.shown[k] = showing{
				to: c.Binding.To, keep: c.Binding.Keep, owner: c.Binding.Session, slot: was.slot && was.owner == c.Binding.Session,
			}
		}
	}
	w.feed = append(w.feed, c)
}

// deliver tells the engine the next changes.
func (w *world) deliver(count int) {
	for _, c := range w.feed[:min(count, len(w.feed))] {
		if c.Deleted {
			w.e.Forget(c.Binding.Mask, c.Binding.Party, 0)
		} else {
			w.e.Learn(&c.Binding, w.now)
		}
	}
	w.feed = w.feed[min(count, len(w.feed)):]
}

// end writes what ended.
func (w *world) end(x *Ended) {
	for _, k := range x.Keys {
		row, found := w.rows[k]
		if !found {
			continue
		}
		row.Expires = x.At
		row.Keep = row.Expires.Add(worldRest)
		w.put(numberdb.Change{Binding: row})
	}
	w.states(x.States)
}

func (w *world) party() e164.Number { return partyNumber(w.rand.IntN(worldParties)) }

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

// request makes up a request.
func (w *world) request() Request {
	w.last++
	r := Request{
		Session: w.last, Pool: "main", Shape: numberdb.Shape(w.rand.IntN(int(numberdb.Lease) + 1)), Services: numberdb.SMS,
		Expires: w.now.Add(time.Duration(1+w.rand.IntN(60)) * time.Second),
	}
	if w.chance(70) {
		r.Shape = numberdb.PerSide
	}
	if w.chance(30) {
		r.Selection = numberdb.Selection(w.rand.IntN(int(numberdb.Pinned) + 1))
	}
	if w.chance(20) {
		r.Second = Second(1 + w.rand.IntN(2))
	}
	if w.chance(20) {
		r.Services |= numberdb.Voice
	}
	if w.chance(10) {
		r.Flags = numberdb.RegisteredAddress
	}
	r.Keep = r.Expires.Add(worldRest)
	count := 2
	switch r.Shape {
	case numberdb.Group:
		count = 2 + w.rand.IntN(3)
	case numberdb.Open, numberdb.Lease:
		count = 1
	default:
	}
	for range count {
		p := w.party()
		s := Side{Number: p, To: tel(p)}
		if w.chance(20) {
			s.Country = []string{"GB", "IE"}[w.rand.IntN(2)]
		}
		if w.chance(10) {
			s.Prefix = string(maskNumber(w.rand.IntN(w.size)).AppendDigits(nil)[:11+w.rand.IntN(2)])
			s.Must = w.rand.IntN(13)
		}
		if w.chance(10) {
			s.Carrier = []string{"alfa", "bravo", "nobody"}[w.rand.IntN(3)]
		}
		if w.chance(10) {
			s.Pool = "side"
		}
		r.Sides = append(r.Sides, s)
	}
	return r
}

// decided commits a decision, or fails to, or dies of it.
func (w *world) decided(r Request, was *meeting) {
	s := sessionOf(&r, &w.d)
	s.Tenant = r.Tenant
	if !s.Keep.Equal(r.Keep) {
		w.t.Fatalf("kept until %v, asked for %v", s.Keep, r.Keep)
	}
	w.matches(&r, s)
	rows := Bindings(s)
	w.consistent(s, rows)
	switch fate := w.rand.IntN(100); {
	case fate < 5: // the commit fails
		w.e.Undo(&w.d, w.now)
		return
	case fate < 6: // nobody learns that it failed
		w.restart()
		return
	}
	if !w.claim(rows, r.Selection == numberdb.PreferStick || r.Selection == numberdb.Pinned) {
		return
	}
	w.picked++
	w.states(w.d.States)
	if was != nil {
		w.end(&w.d.Ends)
		w.drop(was.s.ID)
	}
	w.live[s.ID] = &meeting{s, r}
	w.ids = append(w.ids, s.ID)
	w.bounded()
	if w.chance(1) { // it is committed, and nobody learns that
		w.restart()
	}
}

func (w *world) drop(id numberdb.ID) {
	delete(w.live, id)
	w.ids = slices.DeleteFunc(w.ids, func(i numberdb.ID) bool { return i == id })
}

func (w *world) refused(r *Request, err error) {
	var x *Exhausted
	switch {
	case errors.As(err, &x):
		w.exhausted++
		if x.Reason == NoReason {
			w.t.Fatal("exhausted for no reason")
		}
		w.honest(r, x)
	case errors.Is(err, ErrSelf):
	default:
		w.t.Fatalf("refused: %v", err)
	}
}
