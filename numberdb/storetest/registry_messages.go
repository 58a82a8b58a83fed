package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

// messages is what a store offers for messages.
func messages(t *testing.T, r Registry, q numberdb.MessageQuery) []numberdb.Message {
	t.Helper()
	found, err := r.Messages(t.Context(), q)
	if err != nil {
		t.Fatalf("reading messages: %v", err)
	}
	return found
}

func newMessage(id numberdb.ID, tenant string) numberdb.Message {
	return numberdb.Message{ID: id, Tenant: tenant, Session: 77, Created: moment(1), Until: moment(800)}
}

func messagesKept(t *testing.T, db Database) {
	store := db(t)
	r, ok := store.(Registry)
	if !ok {
		t.Fatal("the store is no registry")
	}
	want := []numberdb.Message{
		newMessage(5, "the \"shop\""),
		{
			ID: 6, Tenant: "", Verification: 9, State: numberdb.MessageRejected, Segments: 3, Carrier: "Süd 'x' {,}", Code: 65_535,
			Tries:   []numberdb.MessageTry{{Carrier: "alfa", Status: 0xFFFF_FFFF}, {Carrier: "Süd 'x' {,}", Silent: true}, {Carrier: "bravo"}},
			Created: moment(1), Submitted: moment(2), Ended: moment(3), Until: moment(4),
		},
	}
	Commit(t, r, numberdb.Writes{Messages: want})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	r = openRegistry(t, db)
	if diff := cmp.Diff(want, messages(t, r, numberdb.MessageQuery{Tenant: numberdb.AnyTenant})); diff != "" {
		t.Error(diff)
	}
}

func messagesFound(t *testing.T, db Database) {
	r := openRegistry(t, db)
	var w numberdb.Writes
	for i := range 6 {
		m := newMessage(numberdb.ID(i+1), []string{"shop", "", "outlet"}[i%3])
		m.Session, m.Verification, m.State = numberdb.ID(10+i%2), numberdb.ID(20+i%3), numberdb.MessageState(i)
		w.Messages = append(w.Messages, m)
	}
	Commit(t, r, w)
	for _, c := range []struct {
		name  string
		query numberdb.MessageQuery
		want  []numberdb.ID
	}{
		{"all", numberdb.MessageQuery{Tenant: numberdb.AnyTenant}, []numberdb.ID{1, 2, 3, 4, 5, 6}},
		{"a tenant's", numberdb.MessageQuery{Tenant: "shop"}, []numberdb.ID{1, 4}},
		{"the operator's own", numberdb.MessageQuery{}, []numberdb.ID{2, 5}},
		{"one", numberdb.MessageQuery{Tenant: "shop", ID: 4}, []numberdb.ID{4}},
		{"some", numberdb.MessageQuery{Tenant: numberdb.AnyTenant, IDs: []numberdb.ID{5, 2, 9}}, []numberdb.ID{2, 5}},
		{"some of a tenant", numberdb.MessageQuery{Tenant: "shop", IDs: []numberdb.ID{5, 4}}, []numberdb.ID{4}},
		{"another tenant's", numberdb.MessageQuery{Tenant: "outlet", ID: 4}, nil},
		{"of a session", numberdb.MessageQuery{Tenant: numberdb.AnyTenant, Session: 11}, []numberdb.ID{2, 4, 6}},
		{"of a verification", numberdb.MessageQuery{Tenant: numberdb.AnyTenant, Verification: 21}, []numberdb.ID{2, 5}},
		{"not answered", numberdb.MessageQuery{Tenant: numberdb.AnyTenant, Open: true}, []numberdb.ID{1}},
		{"a page", numberdb.MessageQuery{Tenant: numberdb.AnyTenant, After: 2, Limit: 2}, []numberdb.ID{3, 4}},
		{"before", numberdb.MessageQuery{Tenant: numberdb.AnyTenant, Before: 3}, []numberdb.ID{1, 2}},
	} {
		var ids []numberdb.ID
		for _, m := range messages(t, r, c.query) {
			ids = append(ids, m.ID)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// messagesReported: a state only goes on, in whatever order its news come.
func messagesReported(t *testing.T, db Database) {
	r := openRegistry(t, db)
	submitted := numberdb.MessageReport{
		ID: 1, State: numberdb.MessageSubmitted, At: moment(2), Segments: 2, Carrier: "bravo",
		Tries: []numberdb.MessageTry{{Carrier: "alfa", Status: 8}, {Carrier: "bravo"}},
	}
	delivered := numberdb.MessageReport{ID: 1, State: numberdb.MessageDelivered, At: moment(3), Carrier: "bravo"}
	failed := numberdb.MessageReport{ID: 1, State: numberdb.MessageUndelivered, At: moment(4), Carrier: "bravo", Code: 27}
	unknown := numberdb.MessageReport{ID: 1, State: numberdb.MessageUncertain, At: moment(2), Carrier: "bravo"}
	done := newMessage(1, "shop")
	done.State, done.Segments, done.Carrier, done.Tries = numberdb.MessageDelivered, 2, "bravo", submitted.Tries
	done.Submitted, done.Ended = moment(2), moment(3)
	uncertain, refused := newMessage(1, "shop"), newMessage(1, "shop")
	uncertain.State, uncertain.Carrier = numberdb.MessageUncertain, "bravo"
	refused.State, refused.Carrier, refused.Code, refused.Ended = numberdb.MessageUndelivered, "bravo", 27, moment(4)
	for _, c := range []struct {
		name    string
		reports []numberdb.MessageReport
		want    numberdb.Message
	}{
		{"in order", []numberdb.MessageReport{submitted, delivered}, done},
		{"a receipt overtakes", []numberdb.MessageReport{delivered, submitted}, done},
		{"an end is final", []numberdb.MessageReport{submitted, delivered, failed, unknown}, done},
		{"accepted after all", []numberdb.MessageReport{unknown, submitted, delivered}, done},
		{"not answered", []numberdb.MessageReport{unknown}, uncertain},
		{"a code", []numberdb.MessageReport{failed}, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMessage(1, "shop")
			Commit(t, r, numberdb.Writes{Messages: []numberdb.Message{m}})
			for _, report := range c.reports {
				Commit(t, r, numberdb.Writes{Reports: []numberdb.MessageReport{report}})
			}
			if diff := cmp.Diff([]numberdb.Message{c.want}, messages(t, r, numberdb.MessageQuery{Tenant: "shop"})); diff != "" {
				t.Error(diff)
			}
			purgeRound(t, r, moment(800))
		})
	}
	// One that is not there is no fault: it may have been purged.
	Commit(t, r, numberdb.Writes{Reports: []numberdb.MessageReport{{ID: 99, State: numberdb.MessageDelivered, At: moment(1)}}})
}

func messagesPurged(t *testing.T, db Database) {
	r := openRegistry(t, db)
	now := clock()
	var w numberdb.Writes
	for i := range 3 {
		m := newMessage(numberdb.ID(i+1), "shop")
		m.Until = now.Add(time.Duration(i-1) * time.Minute)
		w.Messages = append(w.Messages, m)
	}
	Commit(t, r, w)
	if got := purgeRound(t, r, now); got != (numberdb.Purged{Messages: 2}) {
		t.Errorf("purged %+v", got)
	}
	if left := messages(t, r, numberdb.MessageQuery{Tenant: numberdb.AnyTenant}); len(left) != 1 || left[0].ID != 3 {
		t.Errorf("%d are left", len(left))
	}
}

// messagesOnce: a message and its idempotency key are written together.
func messagesOnce(t *testing.T, db Database) {
	r := openRegistry(t, db)
	first := numberdb.Writes{Messages: []numberdb.Message{newMessage(101, "shop")}, Attempts: []numberdb.Attempt{Attempt(1)}}
	Commit(t, r, first)
	second := numberdb.Writes{Messages: []numberdb.Message{newMessage(102, "shop")}, Attempts: []numberdb.Attempt{Attempt(1)}}
	_, err := r.Commit(t.Context(), &second)
	var conflict *numberdb.Conflict
	if !errors.As(err, &conflict) || len(conflict.Attempts) != 1 {
		t.Errorf("a used key: %v", err)
	}
	if left := messages(t, r, numberdb.MessageQuery{Tenant: numberdb.AnyTenant}); len(left) != 1 || left[0].ID != 101 {
		t.Errorf("%d messages are there", len(left))
	}
	// Taken back together, the key makes another one.
	Commit(t, r, numberdb.Writes{Gone: numberdb.Gone{
		Messages: []numberdb.ID{101}, Attempts: []numberdb.AttemptKey{{Tenant: Attempt(1).Tenant, Key: Attempt(1).Key}},
	}})
	Commit(t, r, second)
	if left := messages(t, r, numberdb.MessageQuery{Tenant: numberdb.AnyTenant}); len(left) != 1 || left[0].ID != 102 {
		t.Errorf("%d messages are there after the first was taken back", len(left))
	}
}
