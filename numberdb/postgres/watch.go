package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"maskline/numberdb"
)

// watch looks whether the table is still the one that was loaded, what slots
// hold, and trims the changelog, which is written whoever reads it. It returns
// numberdb.ErrFeedLost; that the server does not answer is for the stream to
// notice.
func (s *stream) watch(ctx context.Context) error {
	store := s.feed.store
	pause := time.NewTicker(store.cfg.Watch)
	defer pause.Stop()
	nextTrim := time.Now().Add(store.cfg.Keep / 10)
	for {
		if slots, err := store.lookAtSlots(ctx); err == nil {
			s.slots.Store(&slots)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		if err := s.feed.sameTable(ctx); isGone(err) {
			return numberdb.ErrFeedLost
		}
		if now := time.Now(); now.After(nextTrim) {
			nextTrim = now.Add(store.cfg.Keep / 10)
			_ = s.trim(ctx) // it is tried again; the rows wait
		}
	}
}

func (s *stream) trim(ctx context.Context) error {
	store := s.feed.store
	conn, err := store.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return (&follower{store: store, conn: conn.Conn()}).trim(ctx)
}

// isGone tells that the table is another one, has other columns, or is not there
// or not to be read any more.
func isGone(err error) bool {
	var server *ServerError
	return errors.Is(err, numberdb.ErrFeedLost) || errors.Is(err, errRow) ||
		errors.As(clean(err), &server) && strings.HasPrefix(server.State, "42")
}

// lookAtSlots asks for maskline's slots: temporary ones by their names, those of
// configurations by the name that an edge gives them.
func (s *Store) lookAtSlots(ctx context.Context) (numberdb.Slots, error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	slots := numberdb.Slots{Seen: true}
	err := s.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE NOT active),
		coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint
		FROM pg_replication_slots WHERE plugin = $1 AND database = current_database()
		AND (slot_name LIKE 'maskline%' OR slot_name = $2)`, outputPlugin, s.cfg.Slot).Scan(&slots.Inactive, &slots.Retained)
	return slots, err
}
