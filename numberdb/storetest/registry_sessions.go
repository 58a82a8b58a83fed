package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
	"maskline/numberdb"
)

func sampleSessions() []numberdb.Session {
	tel := func(i int) numberdb.Endpoint { return numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(i)} }
	group := numberdb.Session{
		ID: 3, Pool: "group", Shape: numberdb.Group, Services: numberdb.SMS, Created: moment(1), Expires: moment(2), Ended: numberdb.Idle,
	}
	for i := range 7 {
		group.Participants = append(group.Participants, numberdb.Participant{Number: Party(30 + i), To: tel(30 + i), Dial: Mask(3)})
	}
	return []numberdb.Session{
		{
			ID: 1, Tenant: "the \"shop\"", Pool: "london", Services: numberdb.SMS | numberdb.Voice, Created: moment(1), Expires: moment(3),
			IdleTTL: 90 * time.Second, MaxUses: 12, Keep: moment(27), Ended: numberdb.Burned, Label: "Bestellung № 17 von +447700900123",
			Participants: []numberdb.Participant{
				{Number: Party(10), To: tel(10), Dial: Mask(1), Second: Mask(11)},
				{Number: Party(11), To: numberdb.Endpoint{Kind: numberdb.SIP, Name: "447700900999@[::1]:5090"}, Dial: Mask(2)},
			},
		},
		{
			ID: 2, Pool: "london", Shape: numberdb.Shared, Services: numberdb.Voice, Created: moment(1), Expires: moment(1),
			Participants: []numberdb.Participant{
				{Number: Party(20), To: tel(21), Dial: Mask(1)},
				{Number: e164.MustParse("000000000000000"), To: tel(22), Dial: Mask(1)},
			},
		},
		group,
		{
			ID: 4, Tenant: "shop", Pool: "open", Shape: numberdb.Open, Services: numberdb.SMS, Created: moment(1), Expires: moment(5),
			Participants: []numberdb.Participant{
				{Number: Party(40), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop'\\"}}, {To: tel(41), Dial: Mask(4)},
			},
		},
		{
			ID: 1<<62 + 5, Tenant: "shop", Pool: "lease", Shape: numberdb.Lease, Services: numberdb.SMS, Created: moment(1), Expires: moment(6),
			Ended: numberdb.Rotated, Participants: []numberdb.Participant{{Number: Party(10), To: tel(10), Dial: Mask(5)}},
		},
	}
}

func wantSessions(t *testing.T, r numberdb.Registry, what string, query numberdb.SessionQuery, want ...numberdb.Session) {
	t.Helper()
	if diff := cmp.Diff(want, Sessions(t, r, query), sessionOptions); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func sessionsKept(t *testing.T, db Database) {
	r := openRegistry(t, db)
	all := sampleSessions()
	shuffled := []numberdb.Session{all[4], all[1], all[3], all[0], all[2]}
	Commit(t, r, numberdb.Writes{Sessions: shuffled})
	wantSessions(t, r, "all", numberdb.SessionQuery{}, all...)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantSessions(t, openRegistry(t, db), "after a restart", numberdb.SessionQuery{}, all...)
}

func sessionsFound(t *testing.T, db Database) {
	r := openRegistry(t, db)
	all := sampleSessions()
	Commit(t, r, numberdb.Writes{Sessions: all})
	for _, c := range []struct {
		name  string
		query numberdb.SessionQuery
		want  []int // indices of all
	}{
		{"by id", numberdb.SessionQuery{ID: 2}, []int{1}},
		{"by an id that is not there", numberdb.SessionQuery{ID: 77}, nil},
		{"of a tenant", numberdb.SessionQuery{Tenant: "shop"}, []int{3, 4}},
		{"with the first participant", numberdb.SessionQuery{Party: Party(10)}, []int{0, 4}},
		{"with the second", numberdb.SessionQuery{Party: Party(11)}, []int{0}},
		{"with the third of a group", numberdb.SessionQuery{Party: Party(32)}, []int{2}},
		{"with the last of a group", numberdb.SessionQuery{Party: Party(36)}, []int{2}},
		{"with the owner of a public mask", numberdb.SessionQuery{Party: Party(40)}, []int{3}},
		{"with an endpoint that is no participant's number", numberdb.SessionQuery{Party: Party(21)}, nil},
		{"of a tenant with a participant", numberdb.SessionQuery{Tenant: "shop", Party: Party(10)}, []int{4}},
		{"that live", numberdb.SessionQuery{Live: moment(2)}, []int{3}},
		{"that live at the last moment", numberdb.SessionQuery{Live: moment(5)}, nil},
		{"a page", numberdb.SessionQuery{Limit: 2}, []int{0, 1}},
		{"the next page", numberdb.SessionQuery{Limit: 2, After: 2}, []int{2, 3}},
		{"the last page", numberdb.SessionQuery{Limit: 2, After: 4}, []int{4}},
	} {
		var want []numberdb.Session
		for _, i := range c.want {
			want = append(want, all[i])
		}
		wantSessions(t, r, c.name, c.query, want...)
	}
}

func sessionsChange(t *testing.T, db Database) {
	r := openRegistry(t, db)
	all := sampleSessions()
	Commit(t, r, numberdb.Writes{Sessions: all})
	group := all[2]
	group.Participants = append(group.Participants[1:len(group.Participants):len(group.Participants)],
		numberdb.Participant{Number: Party(50), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(50)}, Dial: Mask(3)})
	group.Expires, group.Keep, group.Ended, group.Label = moment(8), moment(9), numberdb.Released, "changed"
	lost := group
	lost.Label = "overwritten within the writes"
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{lost, group}})
	wantSessions(t, r, "as it is now", numberdb.SessionQuery{ID: 3}, group)
	wantSessions(t, r, "with a participant that came", numberdb.SessionQuery{Party: Party(50)}, group)
	wantSessions(t, r, "with one that left", numberdb.SessionQuery{Party: Party(30)})
	wantSessions(t, r, "with one that stayed", numberdb.SessionQuery{Party: Party(33)}, group)

	Commit(t, r, numberdb.Writes{Gone: numberdb.Gone{Sessions: []numberdb.ID{3, 99, 1}}})
	wantSessions(t, r, "the others", numberdb.SessionQuery{}, all[1], all[3], all[4])
	wantSessions(t, r, "with one of a session that is gone", numberdb.SessionQuery{Party: Party(33)})
}
