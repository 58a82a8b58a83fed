package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

const (
	purgeLook   = 20_000 // rows that one Purge looks at
	purgeDelete = 2_000  // and deletes at most: other commits wait so long
	// sessionOver is over for sessions.
	sessionOver = `(expires <= ?1 AND keep <= ?1)`
)

// purging is where Purge goes on. No index leads it: one would cost every commit
// more than these looks.
type purging struct {
	mu      sync.Mutex // held by the one that runs
	table   int        // of purgeTables
	mask    int64
	party   []byte
	session int64
	attempt []byte
	row     int64 // of messages and verifications
}

// Purge looks at the next rows of one table.
func (s *Store) Purge(ctx context.Context, now time.Time) (numberdb.Purged, error) {
	if err := s.calls.begin(); err != nil {
		return numberdb.Purged{}, err
	}
	defer s.calls.done()
	p := &s.purging
	if !p.mu.TryLock() {
		return numberdb.Purged{Elsewhere: true}, nil
	}
	defer p.mu.Unlock()
	var purged numberdb.Purged
	var end bool
	var err error
	switch p.table {
	case 0:
		purged.Bindings, end, err = s.purgeBindings(ctx, now)
	case 1:
		purged.Sessions, end, err = s.purgeSessions(ctx, now)
	case 2:
		purged.Attempts, end, err = s.purgeAttempts(ctx, now)
	case 3:
		purged.Messages, end, err = s.purgeUntil(ctx, "messages", now)
	default:
		purged.Verifications, end, err = s.purgeUntil(ctx, "verifications", now)
	}
	if err != nil {
		return numberdb.Purged{}, fmt.Errorf("purging: %w", err)
	}
	if end {
		p.table++
	}
	if purged.Round = p.table > 4; purged.Round {
		p.table, p.mask, p.party, p.session, p.attempt, p.row = 0, 0, nil, 0, nil, 0
	}
	return purged, nil
}

func (s *Store) purgeBindings(ctx context.Context, now time.Time) (deleted int, end bool, err error) {
	type key struct {
		mask  int64
		party []byte
	}
	var found []key
	var last key // to which the rows were looked at
	at, byHand := now.UnixMicro(), now.Add(-numberdb.KeepByHand).UnixMicro()
	from := key{s.purging.mask, append(make([]byte, 0, 16), s.purging.party...)}
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		end, err = missing(tx.QueryRowContext(ctx, `SELECT mask, party FROM bindings WHERE (mask, party) > (?, ?)
			ORDER BY mask, party LIMIT 1 OFFSET ?`, from.mask, from.party, purgeLook).Scan(&last.mask, &last.party))
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var k key
			err := rows.Scan(&k.mask, &k.party)
			found = append(found, k)
			return err
		}, `SELECT mask, party FROM bindings WHERE `+over+` AND (mask, party) > (?3, ?4) AND (?5 OR (mask, party) <= (?6, ?7))
			ORDER BY mask, party LIMIT ?8`, at, byHand, from.mask, from.party, end, last.mask, last.party, purgeDelete)
	})
	if err != nil {
		return 0, false, err
	}
	if len(found) == purgeDelete {
		last, end = found[purgeDelete-1], false
	}
	var told []numberdb.Change
	err = s.delete(ctx, len(found), &told, func(ctx context.Context, tx *sql.Tx, i int) error {
		taken, err := refused(tx.ExecContext(ctx, `DELETE FROM bindings WHERE `+over+` AND mask = ?3 AND party = ?4`, at, byHand, found[i].mask, found[i].party))
		if err != nil || taken {
			return err
		}
		deleted++
		b := numberdb.Binding{Mask: e164.Number(found[i].mask)}
		key, err := s.vault.Key(found[i].mask, numberdb.HiddenParty(found[i].party))
		if err != nil {
			return nil //nolint:nilerr // a party that does not open is in nobody's table
		}
		b.Party = key.Party
		told = append(told, numberdb.Change{Binding: b, Deleted: true})
		return nil
	})
	s.purging.mask, s.purging.party = last.mask, last.party
	return deleted, end, err
}

func (s *Store) purgeSessions(ctx context.Context, now time.Time) (deleted int, end bool, err error) {
	var found []int64
	var last int64
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		end, err = missing(tx.QueryRowContext(ctx, `SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`,
			s.purging.session, purgeLook).Scan(&last))
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			found = append(found, id)
			return err
		}, `SELECT id FROM sessions WHERE `+sessionOver+` AND id > ?2 AND (?3 OR id <= ?4) ORDER BY id LIMIT ?5`,
			now.UnixMicro(), s.purging.session, end, last, purgeDelete)
	})
	if err != nil {
		return 0, false, err
	}
	if len(found) == purgeDelete {
		last, end = found[purgeDelete-1], false
	}
	err = s.delete(ctx, len(found), nil, func(ctx context.Context, tx *sql.Tx, i int) error {
		var over bool
		gone, err := missing(tx.QueryRowContext(ctx, `SELECT `+sessionOver+` FROM sessions WHERE id = ?2`, now.UnixMicro(), found[i]).Scan(&over))
		if err != nil || gone || !over {
			return err
		}
		deleted++
		return deleteSession(ctx, tx, found[i])
	})
	s.purging.session = last
	return deleted, end, err
}

func (s *Store) purgeAttempts(ctx context.Context, now time.Time) (deleted int, end bool, err error) {
	var found [][]byte
	var last []byte
	from := append(make([]byte, 0, 16), s.purging.attempt...)
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		end, err = missing(tx.QueryRowContext(ctx, `SELECT key FROM attempts WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?`, from, purgeLook).Scan(&last))
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var key []byte
			err := rows.Scan(&key)
			found = append(found, key)
			return err
		}, `SELECT key FROM attempts WHERE until <= ?1 AND key > ?2 AND (?3 OR key <= ?4) ORDER BY key LIMIT ?5`,
			now.UnixMicro(), from, end, last, purgeDelete)
	})
	if err != nil {
		return 0, false, err
	}
	if len(found) == purgeDelete {
		last, end = found[purgeDelete-1], false
	}
	err = s.delete(ctx, len(found), nil, func(ctx context.Context, tx *sql.Tx, i int) error {
		kept, err := refused(tx.ExecContext(ctx, `DELETE FROM attempts WHERE key = ? AND until <= ?`, found[i], now.UnixMicro()))
		if err == nil && !kept {
			deleted++
		}
		return err
	})
	s.purging.attempt = last
	return deleted, end, err
}

// purgeUntil is for tables of rows that have an id and say until when they are kept.
func (s *Store) purgeUntil(ctx context.Context, table string, now time.Time) (deleted int, end bool, err error) {
	var found []int64
	var last int64
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		end, err = missing(tx.QueryRowContext(ctx, `SELECT id FROM `+table+` WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`, s.purging.row, purgeLook).Scan(&last))
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			found = append(found, id)
			return err
		}, `SELECT id FROM `+table+` WHERE until <= ?1 AND id > ?2 AND (?3 OR id <= ?4) ORDER BY id LIMIT ?5`,
			now.UnixMicro(), s.purging.row, end, last, purgeDelete)
	})
	if err != nil {
		return 0, false, err
	}
	if len(found) == purgeDelete {
		last, end = found[purgeDelete-1], false
	}
	err = s.delete(ctx, len(found), nil, func(ctx context.Context, tx *sql.Tx, i int) error {
		kept, err := refused(tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE id = ? AND until <= ?`, found[i], now.UnixMicro()))
		if err == nil && !kept {
			deleted++
		}
		return err
	})
	if s.purging.row = last; end {
		s.purging.row = 0
	}
	return deleted, end, err
}

// delete deletes n rows in a transaction; told is what it changes of bindings.
func (s *Store) delete(ctx context.Context, n int, told *[]numberdb.Change, one func(ctx context.Context, tx *sql.Tx, i int) error) error {
	if n == 0 {
		return nil
	}
	_, err := s.transact(ctx, told, func(ctx context.Context, tx *sql.Tx) error {
		ctx = quietly(ctx)
		for i := range n {
			if err := one(ctx, tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
