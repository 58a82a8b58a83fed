package allocator

import (
	"strings"

	"maskline/e164"
	"maskline/numberdb"
)

// matches checks that each mask is what was asked for.
func (w *world) matches(r *Request, s *numberdb.Session) {
	for i, p := range s.Participants {
		first := w.masks[p.Dial]
		side := &r.Sides[i]
		if r.Shape != numberdb.PerSide {
			side = &r.Sides[0]
		}
		for at, n := range []e164.Number{p.Dial, p.Second} {
			if n == 0 && at == 1 && r.Second != SecondOrFail {
				continue
			}
			m := w.masks[n]
			if !w.suits(r, side, &m) || at == 0 && side.Carrier != "" && m.Carrier != side.Carrier || at == 1 && m.Carrier == first.Carrier {
				w.t.Fatalf("side %d of shape %d got a mask that it did not ask for: %+v", i, r.Shape, m)
			}
		}
	}
}

// suits says whether a mask is what a side asks for, whoever holds it.
func (w *world) suits(r *Request, side *Side, m *numberdb.Mask) bool {
	pool := r.Pool
	if side.Pool != "" {
		pool = side.Pool
	}
	must := side.Prefix[:min(side.Must, len(side.Prefix))]
	return m.State == numberdb.Free && m.Pool == pool && m.Services.Has(r.Services) && m.Flags&r.Flags == r.Flags &&
		(side.Country == "" || m.Country == side.Country) &&
		strings.HasPrefix(string(m.Number.AppendDigits(nil)), must)
}

// consistent checks that whoever is shown a mask reaches the other by it.
func (w *world) consistent(s *numberdb.Session, rows []numberdb.Binding) {
	if s.Shape == numberdb.Open || s.Shape == numberdb.Lease {
		return
	}
	at := map[numberdb.BindingKey]numberdb.Binding{}
	for _, row := range rows {
		at[numberdb.BindingKey{Mask: row.Mask, Party: row.Party}] = row
	}
	for _, row := range rows {
		back, found := at[numberdb.BindingKey{Mask: row.Present, Party: row.To.Number}]
		if !found || s.Shape != numberdb.Group && back.To.Number != row.Party {
			w.t.Fatalf("shape %d: who is shown %v cannot answer", s.Shape, row.Present)
		}
	}
}

// bounded checks the ceilings, and that a mask of everybody is one person's.
func (w *world) bounded() {
	load, public := map[e164.Number]int{}, map[e164.Number]numberdb.ID{}
	for k, row := range w.rows {
		if k.Party == 0 && row.Session != 0 {
			public[k.Mask] = row.Session
		}
	}
	for k, row := range w.rows {
		if owner, open := public[k.Mask]; open {
			if row.Session != owner && row.Session != 0 {
				w.t.Fatal("a mask of everybody is somebody else's too")
			}
			continue
		}
		if row.Live(w.now) && row.Session != 0 {
			load[k.Mask]++
		}
	}
	for _, n := range load {
		if n > worldCeiling {
			w.t.Fatalf("a mask has %d parties", n)
		}
	}
}

// honest checks that where the engine says that there is none, there is none.
func (w *world) honest(r *Request, x *Exhausted) {
	if w.now.Before(w.vague) || len(w.feed) > 0 || x.Second || r.Selection == numberdb.Pinned {
		return
	}
	sides := r.Sides[x.Side : x.Side+1]
	if r.Shape != numberdb.PerSide {
		sides = r.Sides
	}
	for n, m := range w.masks {
		if !w.suits(r, &sides[0], &m) || sides[0].Carrier != "" && m.Carrier != sides[0].Carrier {
			continue
		}
		load, all, free := 0, 0, true
		for k, row := range w.rows {
			if k.Mask != n {
				continue
			}
			all++
			if k.Party == 0 {
				free = false
			} else if row.Live(w.now) {
				load++
			}
			for _, s := range sides {
				free = free && k.Party != s.Number
			}
		}
		switch r.Shape {
		case numberdb.Open, numberdb.Lease:
			free = all == 0
		default:
			free = free && load+len(sides)+2*x.Side <= worldCeiling // the first side may have taken two places
		}
		if free {
			w.t.Fatalf("side %d of shape %d was refused (%v), and there is a mask", x.Side, r.Shape, x.Reason)
		}
	}
}

// late checks that who was shown a mask reaches nobody else by it while it is
// kept.
func (w *world) late() {
	for k, was := range w.shown {
		if !w.now.Before(was.keep) {
			delete(w.shown, k)
			continue
		}
		row, found := w.rows[k]
		if !found || !row.Live(w.now) {
			row, found = w.rows[numberdb.BindingKey{Mask: k.Mask}]
		}
		if found && row.Live(w.now) && row.Session != 0 && row.To != was.to && row.Session != was.owner {
			w.t.Fatal("a late caller reaches somebody else")
		}
	}
}

// addsUp compares the report with the rows, where the engine knows them all.
func (w *world) addsUp() {
	if w.now.Before(w.vague) || len(w.feed) > 0 {
		return
	}
	r := w.e.Report()
	if r.Bindings != len(w.rows) {
		w.t.Fatalf("%d bindings are held, %d rows", r.Bindings, len(w.rows))
	}
	parties, sessions := map[e164.Number]bool{}, map[numberdb.ID]bool{}
	live, other, members := map[string]int{}, map[string]int{}, map[string]int{}
	for k, row := range w.rows {
		pool := w.masks[k.Mask].Pool
		if w.masks[k.Mask].State == numberdb.Retired {
			pool = ""
		}
		if k.Party != 0 {
			parties[k.Party] = true
		}
		if row.Session != 0 {
			sessions[row.Session] = true
		}
		switch {
		case k.Party != 0 && row.Live(w.now):
			live[pool]++
		case k.Party != 0 || !row.Live(w.now):
			other[pool]++
		}
	}
	for _, m := range w.masks {
		if m.State != numberdb.Retired {
			members[m.Pool]++
		}
	}
	if r.Parties != len(parties) || r.Sessions != len(sessions) {
		w.t.Fatalf("%d parties and %d sessions are held, of %d and %d", r.Parties, r.Sessions, len(parties), len(sessions))
	}
	for _, p := range r.Pools {
		sum := 0
		for _, n := range p.Masks {
			sum += n
		}
		if p.Live != live[p.Name] || p.Kept != other[p.Name] || sum != members[p.Name] {
			w.t.Fatalf("pool %q reports %d live, %d kept, %d masks; there are %d, %d, %d", p.Name, p.Live, p.Kept, sum, live[p.Name], other[p.Name], members[p.Name])
		}
	}
}
