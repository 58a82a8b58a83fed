package allocator

import (
	"maskline/e164"
	"maskline/numberdb"
)

// Bindings makes the rows of a session whose participants have their masks: what
// is written when it begins, and again with other times when it ends. In a group
// a member reaches the first other one by its row; whoever knows the session may
// reach the rest.
func Bindings(s *numberdb.Session) []numberdb.Binding {
	rows := make([]numberdb.Binding, 0, 2*len(s.Participants))
	for i := range s.Participants {
		from := &s.Participants[i]
		row := numberdb.Binding{
			Party: from.Number.Canonical(), Services: s.Services, Expires: s.Expires, Keep: s.Keep,
			Tenant: s.Tenant, Session: s.ID, Counted: s.IdleTTL > 0 || s.MaxUses > 0,
		}
		to := from
		if s.Shape == numberdb.Open || s.Shape == numberdb.Lease {
			row.Party = 0
		} else {
			to = &s.Participants[other(i)]
		}
		row.To, row.Present, row.Second = to.To, to.Dial, to.Second
		for _, mask := range []e164.Number{from.Dial, from.Second} {
			if mask != 0 {
				row.Mask = mask.Canonical()
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// SlotBindings makes the two rows of a reply slot: the owner's way back to the
// caller, and the caller's way in that shows the slot to the owner.
func SlotBindings(s *numberdb.Session, r *SlotRequest, slot e164.Number) [2]numberdb.Binding {
	row := numberdb.Binding{
		Services: s.Services, Expires: s.Expires, Keep: s.Keep,
		Tenant: s.Tenant, Session: s.ID, Counted: s.IdleTTL > 0 || s.MaxUses > 0,
	}
	back, in := row, row
	back.Mask, back.Party, back.Present = slot.Canonical(), r.Owner.Canonical(), r.Public
	back.To = numberdb.Endpoint{Kind: numberdb.Tel, Number: r.Caller}
	in.Mask, in.Party, in.Present = r.Public.Canonical(), r.Caller.Canonical(), slot
	in.To = r.OwnerTo
	return [2]numberdb.Binding{back, in}
}
