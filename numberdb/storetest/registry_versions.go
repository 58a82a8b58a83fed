package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"maskline/numberdb"
)

func readSession(t *testing.T, r numberdb.Registry, id numberdb.ID) numberdb.Session {
	t.Helper()
	found := Sessions(t, r, numberdb.SessionQuery{ID: id})
	if len(found) != 1 {
		t.Fatalf("%d sessions of one ID", len(found))
	}
	return found[0]
}

// wantChanged commits and wants exactly these sessions to have changed.
func wantChanged(t *testing.T, r numberdb.Registry, what string, w numberdb.Writes, ids ...numberdb.ID) {
	t.Helper()
	_, err := r.Commit(t.Context(), &w)
	var c *numberdb.Conflict
	if !errors.As(err, &c) || errors.Is(err, numberdb.ErrOutcomeUnknown) {
		t.Fatalf("%s: not a conflict: %v", what, err)
	}
	slices.Sort(c.Sessions)
	if !slices.Equal(c.Sessions, ids) || len(c.Keys)+len(c.Attempts) != 0 {
		t.Fatalf("%s: it names %d sessions, %d bindings and %d keys", what, len(c.Sessions), len(c.Keys), len(c.Attempts))
	}
}

func sessionsUnchanged(t *testing.T, db Database) {
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{
		Sessions: []numberdb.Session{Session(1), Session(2), Session(3)}, Claims: slices.Concat(SessionClaims(1), SessionClaims(2), SessionClaims(3)),
	})
	one, two, three := readSession(t, r, Session(1).ID), readSession(t, r, Session(2).ID), readSession(t, r, Session(3).ID)
	if one.Version == (numberdb.SessionVersion{}) || one.Version == two.Version {
		t.Fatal("two rows have no version of their own")
	}
	newer := one
	newer.Label = "newer"
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{newer}})
	Commit(t, r, numberdb.Writes{Gone: numberdb.Gone{Sessions: []numberdb.ID{three.ID}}})

	rows := Rows(t, r)
	late := func(s numberdb.Session) numberdb.Session { s.Label = "late"; return s }
	other := Session(4)
	w := numberdb.Writes{
		Bindings: []numberdb.Change{Put(700, 700, 1)}, Claims: SessionClaims(4), Attempts: []numberdb.Attempt{Attempt(1)}, Pools: samplePools(),
		Sessions: []numberdb.Session{late(two), late(one), other},
	}
	wantChanged(t, r, "among others", w, one.ID)
	wantChanged(t, r, "a session that is gone", numberdb.Writes{Sessions: []numberdb.Session{late(three)}}, three.ID)
	wantChanged(t, r, "several", numberdb.Writes{Sessions: []numberdb.Session{late(three), late(two), late(one)}}, one.ID, three.ID)
	wantSessions(t, r, "nothing was written", numberdb.SessionQuery{}, newer, two)
	if !maps.EqualFunc(rows, Rows(t, r), equal) {
		t.Error("bindings have changed")
	}
	wantInventory(t, r, nil, nil)

	w.Sessions[1] = late(readSession(t, r, one.ID))
	Commit(t, r, w) // it was read anew
	unread := one
	unread.Label, unread.Version = "unread", numberdb.SessionVersion{}
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{unread}})
	wantSessions(t, r, "the last of each", numberdb.SessionQuery{}, unread, late(two), other)
	again := readSession(t, r, one.ID)
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{again}})
	wantChanged(t, r, "written as it was", numberdb.Writes{Sessions: []numberdb.Session{again}}, one.ID)
}

// newSessions are refused where another edge has drawn their IDs, again and again.
func newSessions(t *testing.T, db Database) {
	r := openRegistry(t, db)
	first := Session(1)
	want := []numberdb.Session{first}
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{first}, New: []numberdb.ID{first.ID}})
	for n := range 3 {
		other, third := first, Session(2+n)
		other.Label = "other"
		wantChanged(t, r, "another one of its ID", numberdb.Writes{
			Sessions: []numberdb.Session{third, other}, New: []numberdb.ID{third.ID, other.ID}, Claims: SessionClaims(2 + n),
		}, first.ID)
		Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{third}, New: []numberdb.ID{third.ID}, Claims: SessionClaims(2 + n)})
		want = append(want, third)
	}
	wantSessions(t, r, "all but the other", numberdb.SessionQuery{}, want...)
}

// sessionsChangedTogether has some writers count in one session, each from what it
// has read: no count is lost.
func sessionsChangedTogether(t *testing.T, db Database) {
	const writers, each = 6, 20
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{Session(1)}})
	count := func(i int) error {
		found, err := r.Sessions(context.WithoutCancel(t.Context()), numberdb.SessionQuery{ID: Session(1).ID})
		if err != nil || len(found) != 1 {
			return fmt.Errorf("%d sessions: %w", len(found), err)
		}
		found[0].MaxUses++
		_, err = r.Commit(t.Context(), &numberdb.Writes{Sessions: []numberdb.Session{found[0], Session(2 + i)}})
		return err
	}
	var counting sync.WaitGroup
	for i := range writers {
		counting.Go(func() {
			for done := 0; done < each; {
				err := count(i)
				var conflict *numberdb.Conflict
				switch {
				case err == nil:
					done++
				case errors.As(err, &conflict): // read it anew
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	counting.Wait()
	if s := readSession(t, r, Session(1).ID); s.MaxUses != Session(1).MaxUses+writers*each {
		t.Errorf("%d of %d counts", s.MaxUses-Session(1).MaxUses, writers*each)
	}
}
