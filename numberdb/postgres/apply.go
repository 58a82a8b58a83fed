package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/e164"
	"maskline/numberdb"
)

const (
	chunk  = 5000 // rows of one statement
	tries  = 5    // of a transaction that met a deadlock
	upsert = `INSERT INTO maskline.bindings
		(mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant, updated_at)
		SELECT r.mask, r.party, r.to_kind, r.to_value, r.present, r.services, string_to_array(r.carriers, '|'), r.expires_at, r.tenant, now()
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[])
			AS r(mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant)
		ON CONFLICT (mask, party) DO UPDATE SET
		to_kind = excluded.to_kind, to_value = excluded.to_value, present = excluded.present,
		services = excluded.services, carriers = excluded.carriers, expires_at = excluded.expires_at,
		tenant = excluded.tenant, updated_at = excluded.updated_at`
	// Where a transaction deletes too, all rows that it meets are locked in the
	// order of keys first, so that two of them do not deadlock.
	lockRows = `SELECT FROM maskline.bindings b JOIN unnest($1::text[], $2::text[]) AS r(mask, party)
		ON b.mask = r.mask AND b.party = r.party ORDER BY b.mask, b.party FOR UPDATE OF b`
	remove = `DELETE FROM maskline.bindings b USING unnest($1::text[], $2::text[]) AS r(mask, party)
		WHERE b.mask = r.mask AND b.party = r.party`
)

// Apply commits the changes in one transaction.
func (s *Store) Apply(ctx context.Context, changes []numberdb.Change) (numberdb.Position, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	if err := numberdb.CheckChanges(changes); err != nil {
		return 0, err
	}
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	rows := byKey(changes)
	for try := 1; ; try++ {
		position, err := s.commit(ctx, rows)
		if err == nil {
			s.wrote(position)
			return position, nil
		}
		var server *ServerError
		if try < tries && errors.As(clean(err), &server) && server.retry() {
			continue
		}
		if errors.Is(err, numberdb.ErrOutcomeUnknown) {
			return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, explain(ctx, "storing bindings", err))
		}
		return 0, explain(ctx, "storing bindings", err)
	}
}

// writes is what a transaction does: rows in the order of keys, which all
// writers follow.
type writes struct {
	all, puts, deletes []numberdb.Row
}

// byKey keeps the last change of each key.
func byKey(changes []numberdb.Change) writes {
	last := make(map[[2]e164.Number]int, len(changes))
	for i := range changes {
		b := &changes[i].Binding
		last[[2]e164.Number{b.Mask.Canonical(), b.Party.Canonical()}] = i
	}
	var w writes
	for _, i := range last {
		row := changes[i].Binding.Row()
		w.all = append(w.all, row)
		if changes[i].Deleted {
			w.deletes = append(w.deletes, row)
		} else {
			w.puts = append(w.puts, row)
		}
	}
	for _, rows := range [][]numberdb.Row{w.all, w.puts, w.deletes} {
		slices.SortFunc(rows, func(a, b numberdb.Row) int {
			return cmp.Or(cmp.Compare(a.Mask, b.Mask), cmp.Compare(a.Party, b.Party))
		})
	}
	return w
}

func (s *Store) commit(ctx context.Context, rows writes) (numberdb.Position, error) {
	tx, err := s.beginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return 0, err
	}
	position, err := s.write(ctx, tx, rows)
	if err != nil {
		s.rollback(ctx, tx)
		return 0, err
	}
	// The commit is not left half way for a caller that gives up.
	end, cancel := s.deadline(context.WithoutCancel(ctx))
	defer cancel()
	if err := tx.Commit(end); err != nil {
		s.rollback(ctx, tx)
		if refused(err) {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, err)
	}
	return position, nil
}

func (s *Store) write(ctx context.Context, tx pgx.Tx, rows writes) (numberdb.Position, error) {
	if len(rows.deletes) > 0 {
		for part := range slices.Chunk(rows.all, chunk) {
			if err := s.exec(ctx, tx, lockRows, keyColumns(part)...); err != nil {
				return 0, err
			}
		}
	}
	for part := range slices.Chunk(rows.puts, chunk) {
		if err := s.exec(ctx, tx, upsert, putColumns(part)...); err != nil {
			return 0, err
		}
	}
	for part := range slices.Chunk(rows.deletes, chunk) {
		if err := s.exec(ctx, tx, remove, keyColumns(part)...); err != nil {
			return 0, err
		}
	}
	query, cancel := s.deadline(ctx)
	defer cancel()
	var xid uint64
	if err := tx.QueryRow(query, `SELECT pg_current_xact_id()`).Scan(&xid); err != nil {
		return 0, err
	}
	// A position tells that all transactions below it are in the table.
	return numberdb.Position(xid + 1), nil
}

func (s *Store) exec(ctx context.Context, tx pgx.Tx, text string, args ...any) error {
	query, cancel := s.deadline(ctx)
	defer cancel()
	_, err := tx.Exec(query, text, args...)
	return err
}

func putColumns(rows []numberdb.Row) []any {
	var text [8][]string
	for i := range text {
		text[i] = make([]string, len(rows))
	}
	expires := make([]*time.Time, len(rows))
	for i := range rows {
		r := &rows[i]
		for c, value := range [...]string{
			r.Mask, r.Party, r.ToKind, r.ToValue, r.Present, r.Services, strings.Join(r.Carriers, "|"), r.Tenant,
		} {
			text[c][i] = value
		}
		if !r.Expires.IsZero() {
			expires[i] = &r.Expires
		}
	}
	return []any{text[0], text[1], text[2], text[3], text[4], text[5], text[6], expires, text[7]}
}

func keyColumns(rows []numberdb.Row) []any {
	masks, parties := make([]string, len(rows)), make([]string, len(rows))
	for i := range rows {
		masks[i], parties[i] = rows[i].Mask, rows[i].Party
	}
	return []any{masks, parties}
}
