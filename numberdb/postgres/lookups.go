package postgres

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

// lookups joins the reads of sessions by their IDs: those that come while others are
// being read are the next query. A read begins after the calls that it answers.
type lookups struct {
	mu      sync.Mutex
	waiting []*lookup
	reading int // queries under way
}

const (
	lookupsAtOnce = 256 // IDs of one query
	// While one query is at the server, the rows of another are notWaiting apart.
	lookupQueries = 2
	lookupText    = `SELECT ` + sessionColumns + ` FROM maskline.sessions WHERE id = ANY ($1::bigint[])`
)

// lookup is one read. Its caller alone has it when it is done.
type lookup struct {
	id    numberdb.ID
	place int // in waiting, or notWaiting
	row   numberdb.StoredSession
	found bool
	err   error
	done  chan struct{}
}

const notWaiting = -1 // the place of a lookup that waits no longer

// sessionByID reads one session with others that are asked for at the same time. It
// makes no context of its own: its query has a deadline, and so has the one that is
// under way before.
func (s *Store) sessionByID(ctx context.Context, query *numberdb.SessionQuery) ([]numberdb.Session, error) {
	if !s.isReady.Load() {
		if err := s.Prepare(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.count(); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	l := &lookup{id: query.ID, done: make(chan struct{})}
	if s.lookups.join(l) {
		s.calls.Go(s.readLookups) // this call counts still, so Close waits for it
	}
	var err error
	select {
	case <-l.done:
		err = l.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.ending.Done():
		err = numberdb.ErrClosed
	}
	if err != nil {
		s.lookups.leave(l)
		return nil, explain(ctx, "reading sessions", err)
	}
	page := numberdb.NewSessionPage(s.vault, query)
	if l.found && (query.Tenant == "" || query.Tenant == l.row.Tenant) {
		page.Add(&l.row)
	}
	return page.Sessions, page.Err()
}

// join reports whether another query is to be begun for it.
func (x *lookups) join(l *lookup) (begin bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l.place = len(x.waiting)
	x.waiting = append(x.waiting, l)
	if begin = x.reading < lookupQueries; begin {
		x.reading++
	}
	return begin
}

// leave is for a caller that waits no longer.
func (x *lookups) leave(l *lookup) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if l.place == notWaiting {
		return
	}
	end := len(x.waiting) - 1
	last := x.waiting[end]
	x.waiting[l.place], last.place = last, l.place
	x.waiting[end], x.waiting = nil, x.waiting[:end]
	l.place = notWaiting
}

// take is what the next query reads, appended to batch; nothing: it is not needed.
func (x *lookups) take(batch []*lookup) []*lookup {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.waiting) == 0 {
		x.reading--
		return batch
	}
	n := min(lookupsAtOnce, len(x.waiting))
	batch = append(batch, x.waiting[:n]...)
	x.waiting = slices.Delete(x.waiting, 0, n)
	for i, l := range x.waiting {
		l.place = i
	}
	for _, l := range batch {
		l.place = notWaiting
	}
	return batch
}

// readLookups reads until nobody waits.
func (s *Store) readLookups() {
	var batch []*lookup
	for {
		if batch = s.lookups.take(batch[:0]); len(batch) == 0 {
			return
		}
		err := s.readBatch(batch)
		if err != nil && s.ending.Err() != nil {
			err = numberdb.ErrClosed
		}
		for _, l := range batch {
			l.err = err
			close(l.done)
		}
	}
}

// readBatch has a deadline of its own: no caller's ends the reads of others.
func (s *Store) readBatch(batch []*lookup) error {
	ctx, cancel := s.deadline(s.ending)
	defer cancel()
	slices.SortFunc(batch, func(a, b *lookup) int { return cmp.Compare(a.id, b.id) })
	ids := make([]int64, 0, len(batch))
	for _, l := range batch {
		if id := int64(l.id); len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	rows, err := s.pool.Query(ctx, lookupText, ids)
	if err != nil {
		return err
	}
	var r numberdb.StoredSession
	_, err = pgx.ForEachRow(rows, sessionFields(&r), func() error {
		at, _ := slices.BinarySearchFunc(batch, numberdb.ID(r.ID), func(l *lookup, id numberdb.ID) int { return cmp.Compare(l.id, id) })
		for ; at < len(batch) && int64(batch[at].id) == r.ID; at++ {
			batch[at].row, batch[at].found = r, true
		}
		return nil
	})
	return err
}
