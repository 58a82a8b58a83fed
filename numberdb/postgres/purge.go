package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

const (
	purgeBlocks = 256   // of a table, 8 KiB each, that one Purge looks at
	placeBlocks = 32    // likewise, before Postgres 14
	purgeDelete = 5_000 // and rows that it deletes at most
	// purgeLock lets one edge at a time purge.
	purgeLock = 0x6d61736b70757267
)

// purging is where Purge goes on. It goes through the blocks of a table: no index
// leads it, since one would cost every commit more than these looks. It waits
// for no lock; what it passed over it meets again.
type purging struct {
	mu     sync.Mutex // held by the one that runs
	table  int        // of purgeTables
	block  int64
	places bool // name every place, as before Postgres 14
}

const (
	// purgeText deletes from a table, %[3]s, what is over at $1.
	purgeText = `DELETE FROM %[1]s WHERE ctid = ANY (ARRAY(SELECT b.ctid FROM %[1]s b
		WHERE %[3]s AND $2::bigint <= $1 AND %[2]s LIMIT $5 FOR UPDATE SKIP LOCKED))`
	inBlocks = `b.ctid >= format('(%s,0)', $3::bigint)::tid AND b.ctid < format('(%s,0)', $4::bigint)::tid`
	// A server before Postgres 14 reads the whole table for a range, so each place is
	// named to it that a block may have: a row takes 28 octets at least, 24 of its
	// header and 4 of its pointer.
	atPlaces = `b.ctid = ANY (ARRAY(SELECT format('(%s,%s)', block, place)::tid FROM generate_series($3::bigint, $4::bigint - 1) block,
		generate_series(1, current_setting('block_size')::int / 28) place))`
)

var purgeTables = [...]struct{ table, over string }{
	{"maskline.bindings", fmt.Sprintf(over, "$1::bigint", "$2::bigint")},
	{"maskline.sessions", `b.expires <= $1::bigint AND b.keep <= $1::bigint`},
	{"maskline.attempts", `b.until <= $1::bigint`},
	{"maskline.messages", `b.until <= $1::bigint`},
	{"maskline.verifications", `b.until <= $1::bigint`},
}

// Purge looks at the next blocks of one table.
func (s *Store) Purge(ctx context.Context, now time.Time) (numberdb.Purged, error) {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return numberdb.Purged{}, err
	}
	defer done()
	if !s.purging.mu.TryLock() {
		return numberdb.Purged{Elsewhere: true}, nil
	}
	defer s.purging.mu.Unlock()
	purged, err := s.purge(ctx, now)
	if err != nil {
		return numberdb.Purged{}, explain(ctx, "purging", err)
	}
	return purged, nil
}

func (s *Store) purge(ctx context.Context, now time.Time) (purged numberdb.Purged, err error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	p := &s.purging
	deleted, blocks, mine, step := 0, int64(0), false, int64(purgeBlocks)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var old bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1), pg_relation_size($2::text::regclass) / current_setting('block_size')::bigint,
			current_setting('server_version_num')::int < 140000`, int64(purgeLock), purgeTables[p.table].table).Scan(&mine, &blocks, &old); err != nil || !mine {
			return err
		}
		blockwise := inBlocks
		if old || p.places {
			blockwise, step = atPlaces, placeBlocks
		}
		deleted, err = purgeRows(ctx, tx, p.table, blockwise, p.block, p.block+step, now)
		return err
	})
	if err != nil || !mine {
		return numberdb.Purged{Elsewhere: err == nil}, err
	}
	*[...]*int{&purged.Bindings, &purged.Sessions, &purged.Attempts, &purged.Messages, &purged.Verifications}[p.table] = deleted
	if deleted < purgeDelete {
		p.block += step
	}
	if p.block >= blocks {
		p.table, p.block = p.table+1, 0
	}
	if purged.Round = p.table == len(purgeTables); purged.Round {
		p.table = 0
	}
	return purged, nil
}

func purgeRows(ctx context.Context, tx pgx.Tx, table int, blockwise string, from, to int64, now time.Time) (int, error) {
	text := fmt.Sprintf(purgeText, purgeTables[table].table, purgeTables[table].over, blockwise)
	args := []any{now.UnixMicro(), now.Add(-numberdb.KeepByHand).UnixMicro(), from, to, purgeDelete}
	if purgeTables[table].table != "maskline.sessions" {
		tag, err := tx.Exec(ctx, text, args...)
		return int(tag.RowsAffected()), err
	}
	rows, err := tx.Query(ctx, text+` RETURNING id`, args...)
	if err != nil {
		return 0, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	_, err = tx.Exec(ctx, goneParties, ids)
	return len(ids), err
}
