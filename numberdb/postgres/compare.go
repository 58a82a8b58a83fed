package postgres

import (
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

var _ numberdb.Comparer = (*Store)(nil)

const (
	sumsText    = `SELECT (mask % $1)::int, count(*), bit_xor(digest) FROM maskline.bindings GROUP BY 1`
	digestsText = `SELECT mask, party, digest FROM maskline.bindings WHERE (mask % $1)::int = ANY ($2::int[])`
	findText    = `SELECT ` + columns + ` FROM maskline.bindings NATURAL JOIN unnest($1::bigint[], $2::bytea[]) AS r(mask, party)`
)

// Digest is a binding's, as the column of that name holds it.
func (s *Store) Digest(b *numberdb.Binding) uint64 { return s.vault.Digest(b) }

// Sums reads the whole table once, on the server.
func (s *Store) Sums(ctx context.Context, parts int) ([]numberdb.Sum, numberdb.Position, error) {
	sums := make([]numberdb.Sum, parts)
	position, err := s.look(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sumsText, int64(parts))
		if err != nil {
			return err
		}
		var part, count, digest int64
		_, err = pgx.ForEachRow(rows, []any{&part, &count, &digest}, func() error {
			if part < 0 || part >= int64(parts) {
				return errRow // a mask below 0
			}
			sums[part] = numberdb.Sum{Count: count, Digest: uint64(digest)}
			return nil
		})
		return err
	})
	return sums, position, err
}

// Digests reads the keys of some parts.
func (s *Store) Digests(ctx context.Context, parts int, some []int, put func(numberdb.BindingKey, uint64)) (numberdb.Position, error) {
	return s.look(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, digestsText, pgx.QueryExecModeCacheStatement, binaryForm(), int64(parts), some)
		if err != nil {
			return err
		}
		defer rows.Close()
		opener := s.vault.Opener()
		for rows.Next() {
			values := rows.RawValues()
			mask, party, err := readKey(values)
			if err != nil || len(values[2]) != 8 {
				return errRow
			}
			if key, err := opener.Key(mask, &party); err == nil {
				put(key, binary.BigEndian.Uint64(values[2]))
			}
		}
		return rows.Err()
	})
}

// Find reads the bindings of keys.
func (s *Store) Find(ctx context.Context, keys []numberdb.BindingKey, put func(numberdb.Binding)) (numberdb.Position, error) {
	stored := make([]numberdb.Stored, len(keys))
	for i, key := range keys {
		stored[i] = numberdb.Stored{Mask: int64(key.Mask), Party: s.vault.Hide(key.Party)}
	}
	return s.look(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, findText, append([]any{pgx.QueryExecModeCacheStatement, binaryForm()}, writeKeys(stored)...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		opener := s.vault.Opener()
		var row numberdb.Stored
		for rows.Next() {
			if err := readRow(rows.RawValues(), opener, &row); err != nil {
				return err
			}
			if b, err := opener.Open(&row); err == nil {
				put(b)
			}
		}
		return rows.Err()
	})
}

// look reads one snapshot and returns a position whose batch tells all of it.
func (s *Store) look(ctx context.Context, read func(context.Context, pgx.Tx) error) (numberdb.Position, error) {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	var position numberdb.Position
	err = s.longRead(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := read(ctx, tx); err != nil {
			return err
		}
		var ceiling uint64
		// What the snapshot sees was flushed when it was taken, and has ended.
		if err := tx.QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())`).Scan(&ceiling); err != nil {
			return err
		}
		position, err = s.reachedBy(ctx, tx, ceiling)
		return err
	})
	if err != nil {
		return 0, explain(ctx, "comparing bindings", err)
	}
	return position, nil
}
