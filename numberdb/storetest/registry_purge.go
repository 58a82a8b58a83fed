package storetest

import (
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// purgeRound purges until all was looked at.
func purgeRound(t *testing.T, r numberdb.Purger, now time.Time) (sum numberdb.Purged) {
	t.Helper()
	for range 10_000 {
		p, err := r.Purge(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		sum.Bindings, sum.Sessions, sum.Attempts = sum.Bindings+p.Bindings, sum.Sessions+p.Sessions, sum.Attempts+p.Attempts
		sum.Messages, sum.Verifications = sum.Messages+p.Messages, sum.Verifications+p.Verifications
		if p.Round {
			return sum
		}
	}
	t.Fatal("purging has no end")
	return sum
}

func purges(t *testing.T, db Database) {
	r := openRegistry(t, db)
	follower := Follow(t, r)
	now := clock()
	var w numberdb.Writes
	kept := map[Key]bool{}
	put := func(i int, party e164.Number, session numberdb.ID, expires, keep time.Time, over bool) {
		b := Put(i, i, 1).Binding
		b.Party, b.Session, b.Expires, b.Keep = party, session, expires, keep
		w.Bindings = append(w.Bindings, numberdb.Change{Binding: b})
		if !over {
			kept[Key{b.Mask, b.Party}] = true
		}
	}
	past, future := now.Add(-time.Minute), now.Add(time.Minute)
	put(1, Party(1), 1, past, future, false)
	put(2, Party(2), 1, past, past, true)
	put(3, Party(3), 1, past, now, true)
	put(4, Party(4), 1, past, time.Time{}, true)
	put(5, 0, 1, past, past, true)
	put(6, 0, 0, time.Time{}, time.Time{}, false)
	put(7, Party(7), 0, past, time.Time{}, false)
	put(8, Party(8), 0, now.Add(-numberdb.KeepByHand), time.Time{}, true)
	put(9, Party(9), 0, future, time.Time{}, false)
	// What routes stays, whatever else its row says.
	put(10, Party(10), 1, future, past, false)
	put(11, Party(11), 0, time.Time{}, past, false)

	all := sampleSessions()
	for i := range all {
		all[i].Keep = future
	}
	all[2].Keep, all[1].Keep, all[1].Expires = past, time.Time{}, past
	w.Sessions = all
	w.Attempts = []numberdb.Attempt{Attempt(1), Attempt(2)}
	w.Attempts[1].Until = now
	Commit(t, r, w)

	got := purgeRound(t, r, now)
	if got != (numberdb.Purged{Bindings: 5, Sessions: 2, Attempts: 1}) {
		t.Errorf("purged %+v", got)
	}
	if got := purgeRound(t, r, now); got != (numberdb.Purged{}) {
		t.Errorf("and then %+v", got)
	}
	rows := Rows(t, r)
	if len(rows) != len(kept) {
		t.Errorf("%d bindings are left, not %d", len(rows), len(kept))
	}
	for key := range kept {
		if _, ok := rows[key]; !ok {
			t.Error("a binding that was not over is gone")
		}
	}
	follower.WaitEqual(t, r)
	for i := range all {
		if all[i].Over(now) != (i == 1 || i == 2) {
			t.Errorf("session %d of those is to be over, or not", i)
		}
	}
	wantSessions(t, r, "what is left", numberdb.SessionQuery{}, all[0], all[3], all[4])
	wantSessions(t, r, "of a group that is gone", numberdb.SessionQuery{Party: Party(33)})
	if _, ok, err := r.Attempted(t.Context(), &w.Attempts[0], now); !ok || err != nil {
		t.Error("a key that is remembered is gone", err)
	}
}

// purgesMany has more than one call takes, with others between them.
func purgesMany(t *testing.T, db Database) {
	r := openRegistry(t, db)
	now := clock()
	var w numberdb.Writes
	const count = 7000
	for i := range count {
		b := Put(i%50, i, i).Binding
		b.Session, b.Expires, b.Keep = 1, now.Add(-time.Hour), now.Add(-time.Minute)
		if i%7 == 0 {
			b.Keep = now.Add(time.Hour)
		}
		w.Bindings = append(w.Bindings, numberdb.Change{Binding: b})
	}
	Commit(t, r, w)
	if got := purgeRound(t, r, now); got.Bindings != count-count/7 {
		t.Errorf("purged %d of %d", got.Bindings, count-count/7)
	}
	if left := len(Rows(t, r)); left != count/7 {
		t.Errorf("%d bindings are left, not %d", left, count/7)
	}
}
