package allocator

import (
	"errors"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// open asks for a mask that everybody may contact.
func open(id numberdb.ID, shape numberdb.Shape, owner e164.Number, expires time.Time) *Request {
	return &Request{Session: id, Pool: "main", Shape: shape, Services: numberdb.SMS, Expires: expires, Sides: []Side{{Number: owner, To: tel(owner)}}}
}

func TestALeasedMaskIsHeldThenRestsThenIsFree(t *testing.T) {
	e := filled(1, numberdb.PoolPolicy{Quarantine: time.Hour})
	d := pick(t, e, open(1, numberdb.Lease, partyNumber(1), start.Add(time.Hour)), start)
	if len(d.States) != 1 || d.States[0].Mask.State != numberdb.Held {
		t.Fatalf("states %v", d.States)
	}
	var x Expired
	e.Expire(start.Add(59*time.Minute), 10, &x)
	if len(x.Sessions)+len(x.States)+len(x.Gone) > 0 {
		t.Fatal("it ended early")
	}
	e.Expire(start.Add(time.Hour), 10, &x)
	if len(x.Sessions) != 1 || len(x.States) != 1 || x.States[0].Mask.State != numberdb.Quarantined {
		t.Fatalf("at its end: %+v", x)
	}
	e.Expire(start.Add(2*time.Hour-time.Second), 10, &x)
	if len(x.States) != 0 {
		t.Fatal("its rest was cut short")
	}
	e.Expire(start.Add(2*time.Hour), 10, &x)
	if len(x.States) != 1 || x.States[0].Mask.State != numberdb.Free || len(x.Gone) != 1 {
		t.Fatalf("after its rest: %+v", x)
	}
	again := open(2, numberdb.Lease, partyNumber(2), start.Add(9*time.Hour))
	var refused *Exhausted
	if err := e.Pick(again, start.Add(2*time.Hour), d); !errors.As(err, &refused) {
		t.Errorf("given out while its row is in the store: %v", err)
	}
	e.Forget(x.Gone[0].Key.Mask, x.Gone[0].Key.Party, 1)
	pick(t, e, again, start.Add(2*time.Hour))
}

func TestAMaskOfEverybodyIsNobodyElses(t *testing.T) {
	e := filled(1, numberdb.PoolPolicy{Quarantine: time.Hour})
	pick(t, e, open(1, numberdb.Open, partyNumber(1), start.Add(time.Hour)), start)
	var d Decision
	var refused *Exhausted
	for _, r := range []*Request{open(2, numberdb.Open, partyNumber(2), start.Add(time.Hour)), pair(3, partyNumber(3), partyNumber(4), start.Add(time.Hour))} {
		if err := e.Pick(r, start, &d); !errors.As(err, &refused) || refused.Reason != Ceiling {
			t.Errorf("session %d: %v", r.Session, err)
		}
	}
}

func TestAHeldMaskWithoutALeaseRests(t *testing.T) {
	e := filled(1, numberdb.PoolPolicy{})
	e.SetMask(numberdb.Mask{Number: maskNumber(0), Pool: "main", State: numberdb.Held})
	if states := e.Orphans(start); len(states) != 1 || states[0].Mask.State != numberdb.Quarantined {
		t.Errorf("states %v", states)
	}
}

func TestBurnedMasksAreNotGivenOut(t *testing.T) {
	e := filled(2, numberdb.PoolPolicy{})
	pick(t, e, pair(1, partyNumber(1), partyNumber(2), start.Add(time.Hour)), start)
	pick(t, e, pair(2, partyNumber(3), partyNumber(4), start.Add(time.Hour)), start)
	var x Ended
	if err := e.Burn(1, start, &x); err != nil {
		t.Fatal(err)
	}
	if err := e.Burn(1, start, &x); !errors.Is(err, ErrUnknown) {
		t.Errorf("burned twice: %v", err)
	}
	if r := e.Report().Pools[0]; r.Masks[numberdb.Watchlisted] == 0 || r.Live != 2 {
		t.Errorf("watchlisted %d, the other session has %d bindings", r.Masks[numberdb.Watchlisted], r.Live)
	}
}

func TestReplySlots(t *testing.T) {
	e := filled(4, numberdb.PoolPolicy{Quarantine: time.Minute}) // one public, three slots
	owner := partyNumber(1)
	public := pick(t, e, open(1, numberdb.Open, owner, start.Add(100*time.Hour)), start).Grants[0].Mask
	var d Decision
	ask := func(caller int, at time.Duration) (e164.Number, error) {
		return e.Slot(&SlotRequest{
			Session: 1, Public: public, Owner: owner, OwnerTo: tel(owner), Caller: partyNumber(caller),
			Services: numberdb.SMS, Idle: time.Hour,
		}, start.Add(at), &d)
	}
	slots := map[e164.Number]bool{}
	first := e164.Number(0)
	for caller := 10; caller < 13; caller++ {
		slot, err := ask(caller, time.Duration(caller)*time.Minute)
		if err != nil || slot == public || slots[slot] {
			t.Fatalf("caller %d: %v", caller, err)
		}
		if len(d.Grants) != 2 {
			t.Fatalf("%d rows", len(d.Grants))
		}
		slots[slot] = true
		if caller == 10 {
			first = slot
		}
	}
	if slot, err := ask(10, 20*time.Minute); err != nil || slot != first || len(d.Grants) != 0 {
		t.Errorf("the same caller has another slot: %v", err)
	}
	var refused *Exhausted
	if _, err := ask(13, 30*time.Minute); !errors.As(err, &refused) || refused.Reason != Degree {
		t.Errorf("a fourth caller, with none idle: %v", err)
	}
	e.Touch(first, owner, start.Add(40*time.Minute))
	slot, err := ask(13, 72*time.Minute) // caller 11 rests since minute 11
	if err != nil || slot == first || len(d.Ends.Keys) != 1 || d.Ends.Keys[0].Party != partyNumber(11) {
		t.Fatalf("the slot that rests longest: %v, ended %v", err, d.Ends.Keys)
	}
	e.Undo(&d, start.Add(72*time.Minute))
	if again, err := ask(11, 72*time.Minute); err != nil || again != slot || len(d.Grants) != 0 {
		t.Errorf("taken back, caller 11 has another slot: %v", err)
	}
}

// What stands on a mask goes on in every state: new callers of a retired public mask
// get slots of the pool that it was in.
func TestReplySlotsOfARetiredMask(t *testing.T) {
	e := filled(4, numberdb.PoolPolicy{})
	owner := partyNumber(1)
	public := pick(t, e, open(1, numberdb.Open, owner, start.Add(time.Hour)), start).Grants[0].Mask
	retired := e.infos[e.byMask[uint64(public)]]
	retired.State, retired.Since = numberdb.Retired, start
	e.SetMask(retired)
	var d Decision
	slot, err := e.Slot(&SlotRequest{
		Session: 1, Public: public, Owner: owner, OwnerTo: tel(owner), Caller: partyNumber(2), Services: numberdb.SMS, Idle: time.Hour,
	}, start, &d)
	if err != nil || slot == public || len(d.Grants) != 2 {
		t.Fatalf("%d rows: %v", len(d.Grants), err)
	}
}

func TestAGroupAndAFurtherMember(t *testing.T) {
	e := filled(3, numberdb.PoolPolicy{Parties: 4})
	r := pair(1, partyNumber(1), partyNumber(2), start.Add(time.Hour))
	r.Shape = numberdb.Group
	r.Sides = append(r.Sides, Side{Number: partyNumber(3), To: tel(partyNumber(3))})
	d := pick(t, e, r, start)
	dial := d.Grants[0].Mask
	for _, g := range d.Grants {
		if g.Mask != dial {
			t.Fatal("members have several masks")
		}
	}
	j := Joining{Session: 1, Dial: dial, Number: partyNumber(4), Reaches: tel(partyNumber(1)), Place: 3}
	if err := e.Join(&j, start, d); err != nil || len(d.Grants) != 1 || d.Grants[0].Mask != dial {
		t.Fatalf("a fourth member: %v", err)
	}
	if err := e.Join(&j, start, d); !errors.Is(err, ErrSelf) {
		t.Errorf("the same member: %v", err)
	}
	j.Number = partyNumber(5)
	var refused *Exhausted
	if err := e.Join(&j, start, d); !errors.As(err, &refused) || refused.Reason != Ceiling {
		t.Errorf("above the ceiling: %v", err)
	}
}
