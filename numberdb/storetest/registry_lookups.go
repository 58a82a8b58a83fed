package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"maskline/numberdb"
)

const (
	lookupReaders  = 32
	lookupSessions = 40
)

// sessionsByID: reads by id that come at the same time are those of different tenants,
// of sessions that are there and that are not. Each sees what was committed before it.
func sessionsByID(t *testing.T, db Database) {
	r := openRegistry(t, db)
	var w numberdb.Writes
	for i := range lookupSessions {
		w.Sessions = append(w.Sessions, lookupSession(i))
	}
	Commit(t, r, w)
	var reading sync.WaitGroup
	for reader := range lookupReaders {
		reading.Go(func() {
			for i := range lookupSessions {
				readByID(t, r, (i*7+reader)%(lookupSessions+10), []string{"", "shop", "outlet"}[reader%3])
			}
		})
	}
	for writer := range 4 {
		reading.Go(func() {
			for i := range 10 {
				s := Session(1000 + 10*writer + i)
				if _, err := r.Commit(context.Background(), &numberdb.Writes{Sessions: []numberdb.Session{s}}); err != nil {
					t.Error(err)
					return
				}
				if found, err := r.Sessions(context.Background(), numberdb.SessionQuery{ID: s.ID}); err != nil || len(found) != 1 {
					t.Errorf("read after its commit: %d, %v", len(found), err)
				}
			}
		})
	}
	reading.Wait()
}

// lookupSession is of one of two tenants.
func lookupSession(i int) numberdb.Session {
	s := Session(i)
	s.Tenant = []string{"shop", "outlet"}[i%2]
	return s
}

func readByID(t *testing.T, r numberdb.Registry, i int, tenant string) {
	want := lookupSession(i)
	found, err := r.Sessions(context.Background(), numberdb.SessionQuery{ID: want.ID, Tenant: tenant, Limit: 1})
	switch is := i < lookupSessions && (tenant == "" || tenant == want.Tenant); {
	case err != nil:
		t.Error(err)
	case !is && len(found) > 0:
		t.Errorf("session %d was found for tenant %q", i, tenant)
	case is && (len(found) != 1 || found[0].ID != want.ID || found[0].Tenant != want.Tenant || found[0].Label != want.Label):
		t.Errorf("session %d of tenant %q: %d were found", i, tenant, len(found))
	}
}

// closedWhileReading: reads by id end with the store.
func closedWhileReading(t *testing.T, db Database) {
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Sessions: []numberdb.Session{Session(1)}})
	var reading sync.WaitGroup
	begun := make(chan struct{}, lookupReaders)
	for range lookupReaders {
		reading.Go(func() {
			var err error
			for n := 0; err == nil; n++ {
				if _, err = r.Sessions(context.Background(), numberdb.SessionQuery{ID: Session(1).ID}); n == 0 {
					begun <- struct{}{}
				}
			}
			if !errors.Is(err, numberdb.ErrClosed) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
	for range lookupReaders {
		<-begun
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	reading.Wait()
}
