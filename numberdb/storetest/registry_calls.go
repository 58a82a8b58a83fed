package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

func calls(t *testing.T, r Registry, q numberdb.CallQuery) []numberdb.Call {
	t.Helper()
	found, err := r.Calls(t.Context(), q)
	if err != nil {
		t.Fatalf("reading calls: %v", err)
	}
	return found
}

func newCall(id numberdb.ID, tenant string) numberdb.Call {
	return numberdb.Call{ID: id, Tenant: tenant, Session: 77, Node: "edge 'x'", Created: moment(1), Until: moment(800)}
}

func callsKept(t *testing.T, db Database) {
	store := db(t)
	r, ok := store.(Registry)
	if !ok {
		t.Fatal("the store is no registry")
	}
	want := []numberdb.Call{
		newCall(5, "the \"shop\""),
		{
			ID: 6, Session: 9, Node: "Süd {,}", State: numberdb.CallEnded, Outcome: numberdb.CallLost, Leg: numberdb.SecondLeg, Reason: "edge_ended",
			Created: moment(1), Answered: moment(2), Connected: moment(3), Ended: moment(4), Until: moment(5),
		},
	}
	Commit(t, r, numberdb.Writes{Calls: want})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	r = openRegistry(t, db)
	if diff := cmp.Diff(want, calls(t, r, numberdb.CallQuery{Tenant: numberdb.AnyTenant})); diff != "" {
		t.Error(diff)
	}
}

func callsFound(t *testing.T, db Database) {
	r := openRegistry(t, db)
	var w numberdb.Writes
	for i := range 6 {
		c := newCall(numberdb.ID(i+1), []string{"shop", "", "outlet"}[i%3])
		c.Session = numberdb.ID(10 + i%2)
		if i%2 == 1 {
			c.State, c.Ended, c.Node = numberdb.CallEnded, moment(2), "other"
		}
		w.Calls = append(w.Calls, c)
	}
	Commit(t, r, w)
	for _, c := range []struct {
		name  string
		query numberdb.CallQuery
		want  []numberdb.ID
	}{
		{"all", numberdb.CallQuery{Tenant: numberdb.AnyTenant}, []numberdb.ID{1, 2, 3, 4, 5, 6}},
		{"a tenant's", numberdb.CallQuery{Tenant: "shop"}, []numberdb.ID{1, 4}},
		{"the operator's own", numberdb.CallQuery{}, []numberdb.ID{2, 5}},
		{"one", numberdb.CallQuery{Tenant: "shop", ID: 4}, []numberdb.ID{4}},
		{"another tenant's", numberdb.CallQuery{Tenant: "outlet", ID: 4}, nil},
		{"of a session", numberdb.CallQuery{Tenant: numberdb.AnyTenant, Session: 11}, []numberdb.ID{2, 4, 6}},
		{"of an edge", numberdb.CallQuery{Tenant: numberdb.AnyTenant, Node: "other"}, []numberdb.ID{2, 4, 6}},
		{"not ended", numberdb.CallQuery{Tenant: numberdb.AnyTenant, Open: true}, []numberdb.ID{1, 3, 5}},
		{"a page", numberdb.CallQuery{Tenant: numberdb.AnyTenant, After: 2, Limit: 2}, []numberdb.ID{3, 4}},
	} {
		var ids []numberdb.ID
		for _, found := range calls(t, r, c.query) {
			ids = append(ids, found.ID)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// callsReported: a state only goes on, and the first end stands.
func callsReported(t *testing.T, db Database) {
	r := openRegistry(t, db)
	report := func(state numberdb.CallState, at int) numberdb.CallReport {
		return numberdb.CallReport{ID: 1, State: state, At: moment(at)}
	}
	ended := numberdb.CallReport{ID: 1, State: numberdb.CallEnded, At: moment(6), Outcome: numberdb.CallBusy, Leg: numberdb.SecondLeg, Reason: "refused"}
	lost := numberdb.CallReport{ID: 1, State: numberdb.CallEnded, At: moment(7), Outcome: numberdb.CallLost, Reason: "edge_ended"}
	talked, missed := newCall(1, "shop"), newCall(1, "shop")
	talked.State, talked.Answered, talked.Connected = numberdb.CallConnected, moment(4), moment(5)
	missed.State, missed.Answered, missed.Ended = numberdb.CallEnded, moment(4), moment(6)
	missed.Outcome, missed.Leg, missed.Reason = numberdb.CallBusy, numberdb.SecondLeg, "refused"
	ringing, answered, connected := report(numberdb.CallRinging, 3), report(numberdb.CallConnecting, 4), report(numberdb.CallConnected, 5)
	for _, c := range []struct {
		name    string
		batches [][]numberdb.CallReport
		want    numberdb.Call
	}{
		{"one after the other", [][]numberdb.CallReport{{ringing}, {answered}, {connected}}, talked},
		{"all at once", [][]numberdb.CallReport{{ringing, answered, connected}}, talked},
		{"late news", [][]numberdb.CallReport{{ringing, answered, connected}, {ringing}}, talked},
		{"an end", [][]numberdb.CallReport{{answered, ended}}, missed},
		{"an end is final", [][]numberdb.CallReport{{answered}, {ended}, {connected, lost}}, missed},
	} {
		t.Run(c.name, func(t *testing.T) {
			Commit(t, r, numberdb.Writes{Calls: []numberdb.Call{newCall(1, "shop")}})
			for _, batch := range c.batches {
				Commit(t, r, numberdb.Writes{CallReports: batch})
			}
			if diff := cmp.Diff([]numberdb.Call{c.want}, calls(t, r, numberdb.CallQuery{Tenant: "shop"})); diff != "" {
				t.Error(diff)
			}
			Commit(t, r, numberdb.Writes{Gone: numberdb.Gone{Calls: []numberdb.ID{1}}})
		})
	}
	Commit(t, r, numberdb.Writes{CallReports: []numberdb.CallReport{ended}}) // it may have been purged
}

func callsPurged(t *testing.T, db Database) {
	r := openRegistry(t, db)
	now := clock()
	var w numberdb.Writes
	for i := range 4 {
		c := newCall(numberdb.ID(i+1), "shop")
		c.Until = now.Add(time.Duration(i-2) * time.Minute)
		w.Calls = append(w.Calls, c)
	}
	Commit(t, r, w)
	for _, want := range []int{2, 1, 0} {
		if got, err := r.PurgeCalls(t.Context(), now, 2); err != nil || got != want {
			t.Errorf("purged %d: %v, expected %d", got, err, want)
		}
	}
	if left := calls(t, r, numberdb.CallQuery{Tenant: numberdb.AnyTenant}); len(left) != 1 || left[0].ID != 4 {
		t.Errorf("%d are left", len(left))
	}
}

// callsOnce: a call and its idempotency key are written together, or neither.
func callsOnce(t *testing.T, db Database) {
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Calls: []numberdb.Call{newCall(101, "shop")}, Attempts: []numberdb.Attempt{Attempt(1)}})
	second := numberdb.Writes{Calls: []numberdb.Call{newCall(102, "shop")}, Attempts: []numberdb.Attempt{Attempt(1)}}
	_, err := r.Commit(t.Context(), &second)
	var conflict *numberdb.Conflict
	if !errors.As(err, &conflict) || len(conflict.Attempts) != 1 {
		t.Errorf("a used key: %v", err)
	}
	if left := calls(t, r, numberdb.CallQuery{Tenant: numberdb.AnyTenant}); len(left) != 1 || left[0].ID != 101 {
		t.Errorf("%d calls are there", len(left))
	}
	for _, bad := range []numberdb.Writes{
		{Calls: []numberdb.Call{{ID: 1, Session: 2, Created: moment(1), Until: moment(2)}}},
		{Calls: []numberdb.Call{{ID: 1, Node: "x", Created: moment(1), Until: moment(2)}}},
		{CallReports: []numberdb.CallReport{{State: numberdb.CallEnded, At: moment(1)}}},
		{CallReports: []numberdb.CallReport{{ID: 1, State: 99, At: moment(1)}}},
	} {
		if _, err := r.Commit(t.Context(), &bad); err == nil {
			t.Errorf("written: %+v", bad)
		}
	}
}
