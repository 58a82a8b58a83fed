package allocator

import (
	"errors"
	"slices"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// pick decides, or fails the test.
func pick(t *testing.T, e *Engine, r *Request, now time.Time) *Decision {
	t.Helper()
	var d Decision
	if err := e.Pick(r, now, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestAPartyGoesThroughAllMasksBeforeOneComesAgain(t *testing.T) {
	const masks = 50
	e := filled(masks, numberdb.PoolPolicy{})
	var x Ended
	var got []e164.Number
	for i := range 2 * masks {
		id := numberdb.ID(i + 1)
		now := start.Add(time.Duration(i) * time.Hour)
		d := pick(t, e, pair(id, partyNumber(0), partyNumber(i+1), now.Add(time.Minute)), now)
		got = append(got, d.Grants[0].Mask)
		if err := e.Release(id, now, &x); err != nil {
			t.Fatal(err)
		}
		for _, k := range x.Keys {
			e.Forget(k.Mask, k.Party, id)
		}
	}
	for i := range masks {
		if slices.Contains(got[i+1:i+masks], got[i]) {
			t.Fatalf("the mask of session %d came again within a round", i)
		}
	}
}

// Who asks for no country goes through the masks of all.
func TestAWalkThroughManyCountries(t *testing.T) {
	const masks = 12
	e := New(Config{Seed: 1})
	e.SetPool(numberdb.Pool{Name: "main"})
	for i := range masks {
		e.SetMask(numberdb.Mask{Number: maskNumber(i), Pool: "main", Country: []string{"GB", "IE", "US"}[i%3], Services: numberdb.SMS | numberdb.Voice})
	}
	var x Ended
	seen := map[e164.Number]bool{}
	for i := range masks {
		id := numberdb.ID(i + 1)
		seen[pick(t, e, pair(id, partyNumber(0), partyNumber(i+1), start.Add(time.Hour)), start).Grants[0].Mask] = true
		if err := e.Release(id, start, &x); err != nil {
			t.Fatal(err)
		}
		for _, k := range x.Keys {
			e.Forget(k.Mask, k.Party, id)
		}
	}
	if len(seen) != masks {
		t.Errorf("%d of %d masks in one round", len(seen), masks)
	}
}

func TestTheWalkGoesOnAfterARestart(t *testing.T) {
	e := filled(50, numberdb.PoolPolicy{Quarantine: 24 * time.Hour})
	var rows []numberdb.Binding
	for i := range 10 {
		r := pair(numberdb.ID(i+1), partyNumber(0), partyNumber(i+1), start.Add(time.Hour))
		rows = append(rows, Bindings(sessionOf(r, pick(t, e, r, start)))...)
	}
	again := filled(50, numberdb.PoolPolicy{Quarantine: 24 * time.Hour})
	for i := range rows {
		again.Learn(&rows[len(rows)-1-i], start)
	}
	next := pair(11, partyNumber(0), partyNumber(11), start.Add(time.Hour))
	if a, b := pick(t, e, next, start), pick(t, again, next, start); a.Grants[0].Mask != b.Grants[0].Mask {
		t.Error("the next mask is another one")
	}
}

func TestSelectionAfterASessionWithTheSamePeer(t *testing.T) {
	a, b, c := partyNumber(1), partyNumber(2), partyNumber(3)
	for _, tc := range []struct {
		name      string
		selection numberdb.Selection
		live      bool // the first session goes on
		peer      e164.Number
		same      bool
		fails     bool
	}{
		{"rotate", numberdb.Rotate, false, b, false, false},
		{"avoid", numberdb.AvoidStick, false, b, false, false},
		{"prefer", numberdb.PreferStick, false, b, true, false},
		{"prefer, another peer", numberdb.PreferStick, false, c, false, false},
		{"prefer, while it is live", numberdb.PreferStick, true, b, false, false},
		{"pinned", numberdb.Pinned, false, b, true, false},
		{"pinned, while it is live", numberdb.Pinned, true, b, false, true},
		{"pinned, the first with this peer", numberdb.Pinned, false, c, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := filled(10, numberdb.PoolPolicy{Quarantine: time.Hour})
			was := pick(t, e, pair(1, a, b, start.Add(time.Hour)), start).Grants[0].Mask
			var x Ended
			if !tc.live {
				if err := e.Release(1, start, &x); err != nil {
					t.Fatal(err)
				}
			}
			r := pair(2, a, tc.peer, start.Add(time.Hour))
			r.Selection = tc.selection
			var d Decision
			err := e.Pick(r, start.Add(time.Minute), &d)
			var none *Exhausted
			if tc.fails {
				if !errors.As(err, &none) || none.Reason != Degree {
					t.Fatalf("decided: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Grants[0].Mask == was; got != tc.same {
				t.Errorf("the same mask: %v", got)
			}
			if tc.same != slices.Contains(d.Replace, numberdb.BindingKey{Mask: was, Party: a}) {
				t.Errorf("replaced: %v", d.Replace)
			}
			e.Undo(&d, start.Add(time.Minute))
			if n := e.nodes.at(e.holds(e.partyOf(a), e.byMask[uint64(was)])); n.session != 1 || (n.phase == living) != tc.live {
				t.Error("taking it back did not bring the first session back")
			}
		})
	}
}

func TestWhyAPoolIsExhausted(t *testing.T) {
	a := partyNumber(1)
	for _, tc := range []struct {
		name    string
		prepare func(*Engine)
		edit    func(*Request)
		want    Reason
	}{
		{"the party has them all", func(e *Engine) {
			e.SetPool(numberdb.Pool{Name: "main", Policy: numberdb.PoolPolicy{Parties: 9}})
			for i := range 3 {
				var d Decision
				_ = e.Pick(pair(numberdb.ID(i+1), a, partyNumber(10+i), start.Add(time.Hour)), start, &d)
			}
		}, nil, Degree},
		{"each has as many parties as it may", func(e *Engine) {
			for i := range 3 {
				var d Decision
				_ = e.Pick(pair(numberdb.ID(i+1), partyNumber(20+i), partyNumber(10+i), start.Add(time.Hour)), start, &d)
			}
		}, nil, Ceiling},
		{"service", nil, func(r *Request) { r.Services |= 1 << 7 }, Capability},
		{"carrier", nil, func(r *Request) { r.Sides[0].Carrier = "nobody" }, Capability},
		{"flags", nil, func(r *Request) { r.Flags = numberdb.Registered }, Capability},
		{"kind", nil, func(r *Request) { r.Kinds = KindsOf(numberdb.TollFree) }, Capability},
		{"country", nil, func(r *Request) { r.Sides[0].Country = "FR" }, Country},
		{"digits", nil, func(r *Request) { r.Sides[0].Prefix, r.Sides[0].Must = "4420", 3; r.Sides[0].Prefix = "4930" }, Country},
		{"state", func(e *Engine) {
			for i := range 3 {
				e.SetMask(numberdb.Mask{Number: maskNumber(i), Pool: "main", State: numberdb.Draining})
			}
		}, nil, State},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := filled(3, numberdb.PoolPolicy{Parties: 2})
			e.SetPool(numberdb.Pool{Name: "theirs", Tenant: "them"})
			e.SetPool(numberdb.Pool{Name: "spare"})
			e.SetMask(numberdb.Mask{Number: maskNumber(100), Pool: "theirs", Services: 0xFF})
			e.SetMask(numberdb.Mask{Number: e164.MustParse("493012345678"), Pool: "spare", Services: 0xFF, Country: "FR", Carrier: "nobody", Flags: 0xFF, Kind: numberdb.TollFree})
			if tc.prepare != nil {
				tc.prepare(e)
			}
			r := pair(100, a, partyNumber(2), start.Add(time.Hour))
			if tc.edit != nil {
				tc.edit(r)
			}
			if tc.name == "carrier" {
				e.carrierOf("nobody")
			}
			before := e.Report()
			var d Decision
			var x *Exhausted
			if err := e.Pick(r, start, &d); !errors.As(err, &x) {
				t.Fatalf("decided: %v", err)
			}
			if x.Reason != tc.want || x.Pool != "main" || !slices.Equal(x.Suggested, []string{"spare"}) {
				t.Errorf("%v, suggested %v", x, x.Suggested)
			}
			after := e.Report()
			if after.Bindings != before.Bindings || after.Pools[0].Exhausted[tc.want] != before.Pools[0].Exhausted[tc.want]+1 {
				t.Error("the report does not add up")
			}
		})
	}
}

func TestTheLongestPrefixWins(t *testing.T) {
	e := New(Config{})
	e.SetPool(numberdb.Pool{Name: "main"})
	for _, digits := range []string{"442079460001", "442079470001", "442011110001", "441611110001", "353111110001"} {
		country := "GB"
		if digits[0] == '3' {
			country = "IE"
		}
		e.SetMask(numberdb.Mask{Number: e164.MustParse(digits), Pool: "main", Country: country, Services: numberdb.SMS | numberdb.Voice})
	}
	for i, tc := range []struct{ country, prefix, want string }{
		{"", "44207946", "442079460001"},
		{"GB", "4420795", "442079"}, // as much as can be had
		{"GB", "44201", "442011110001"},
		{"IE", "44207946", "353111110001"},
		{"", "353", "353111110001"},
		{"GB", "49", "44"},
	} {
		r := pair(numberdb.ID(i+1), partyNumber(2*i), partyNumber(2*i+1), start.Add(time.Hour))
		r.Sides[0].Country, r.Sides[0].Prefix = tc.country, tc.prefix
		got := string(pick(t, e, r, start).Grants[0].Mask.AppendDigits(nil))
		if got[:len(tc.want)] != tc.want {
			t.Errorf("%q in %q: a mask of another place", tc.prefix, tc.country)
		}
	}
}

func TestAStrideComesEverywhere(t *testing.T) {
	for size := uint32(1); size < 200; size++ {
		for hash := range uint64(50) {
			step, seen, at := stride(hash*0x9e3779b97f4a7c15, size), map[uint32]bool{}, uint32(0)
			for range size {
				at = (at + step) % size
				seen[at] = true
			}
			if len(seen) != int(size) {
				t.Fatalf("a step of %d comes to %d of %d places", step, len(seen), size)
			}
		}
	}
}

// A short code takes no calls, and no SIP peer can be reached by it nor see it.
func TestShortCodes(t *testing.T) {
	short, err := e164.ShortCode(44, "60123")
	if err != nil {
		t.Fatal(err)
	}
	peer := numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx"}
	for _, tc := range []struct {
		name string
		edit func(*Request)
		same bool // the short code is given
	}{
		{"messages", func(*Request) {}, true},
		{"calls too", func(r *Request) { r.Services |= numberdb.Voice }, false},
		{"for the one whom a SIP peer reaches", func(r *Request) { r.Sides[1].To = peer }, false},
		{"for the SIP peer", func(r *Request) { r.Sides[0].To = peer }, false},
		{"a lease of a number", func(r *Request) { r.Shape, r.Sides = numberdb.Lease, r.Sides[:1] }, true},
		{"a lease of a SIP peer", func(r *Request) {
			r.Shape, r.Sides = numberdb.Lease, []Side{{To: peer}}
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := New(Config{Seed: 1})
			e.SetPool(numberdb.Pool{Name: "main"})
			e.SetMask(numberdb.Mask{Number: short, Kind: numberdb.ShortCode, Pool: "main", Services: numberdb.SMS})
			r := pair(1, partyNumber(1), partyNumber(2), start.Add(time.Hour))
			r.Services = numberdb.SMS
			tc.edit(r)
			var d Decision
			err := e.Pick(r, start, &d)
			var none *Exhausted
			if given := err == nil; given != tc.same || !given && (!errors.As(err, &none) || none.Reason != Capability) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The owner of a public mask is not shown short codes where it is a SIP peer.
func TestSlotsOfASIPPeer(t *testing.T) {
	e := filled(1, numberdb.PoolPolicy{})
	owner, peer := partyNumber(1), numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx"}
	public := pick(t, e, &Request{
		Session: 1, Pool: "main", Shape: numberdb.Open, Services: numberdb.SMS, Expires: start.Add(time.Hour), Sides: []Side{{Number: owner, To: peer}},
	}, start).Grants[0].Mask
	short, err := e164.ShortCode(44, "60123")
	if err != nil {
		t.Fatal(err)
	}
	e.SetMask(numberdb.Mask{Number: short, Kind: numberdb.ShortCode, Pool: "main", Services: numberdb.SMS})
	var d Decision
	var none *Exhausted
	if _, err := e.Slot(&SlotRequest{
		Session: 1, Public: public, Owner: owner, OwnerTo: peer, Caller: partyNumber(2), Services: numberdb.SMS,
	}, start, &d); !errors.As(err, &none) || none.Masks[Capability] != 1 {
		t.Errorf("%v", err)
	}
}
