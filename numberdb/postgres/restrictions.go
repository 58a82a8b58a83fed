package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

var _ numberdb.RestrictionStore = (*Store)(nil)

const (
	putRestrictions = `INSERT INTO maskline.restrictions (kind, tenant, mask, party, peer, since, lifted)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[])
		ON CONFLICT (kind, tenant, mask, party, peer) DO UPDATE SET since = excluded.since, lifted = excluded.lifted`
	// One statement and so one snapshot. Its first row is there even where
	// nothing changed.
	readRestrictions = `SELECT f.version, f.floor, r.kind, r.tenant, r.mask, r.party, r.peer, r.since, r.lifted
		FROM maskline.restrictions_feed f
		LEFT JOIN maskline.restrictions r ON r.version > $1 AND (NOT r.lifted OR $1 > 0)`
)

// ApplyRestrictions commits the changes in one statement; of a key's changes
// the last wins.
func (s *Store) ApplyRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := numberdb.CheckRestrictions(changes); err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.putRestrictions(ctx, changes); err != nil {
		return explain(ctx, "storing restrictions", err)
	}
	return nil
}

func (s *Store) putRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	tx, err := s.beginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(lastOfEach(changes), chunk) {
		if err := s.exec(ctx, tx, putRestrictions, restrictionColumns(part)...); err != nil {
			s.rollback(ctx, tx)
			return err
		}
	}
	end, cancel := s.deadline(context.WithoutCancel(ctx))
	defer cancel()
	if err := tx.Commit(end); err != nil {
		s.rollback(ctx, tx)
		return err
	}
	return nil
}

// restrictionChange is a row and whether it was lifted.
type restrictionChange struct {
	numberdb.RestrictionRow
	lifted bool
}

// lastOfEach keeps the last change of each key, in the order of keys.
func lastOfEach(changes []numberdb.RestrictionChange) []restrictionChange {
	type key [5]string
	last := make(map[key]restrictionChange, len(changes))
	for i := range changes {
		row := changes[i].Row()
		last[key{row.Kind, row.Tenant, row.Mask, row.Party, row.Peer}] = restrictionChange{row, changes[i].Lifted}
	}
	all := make([]restrictionChange, 0, len(last))
	for _, c := range last {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b restrictionChange) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Mask, b.Mask),
			cmp.Compare(a.Party, b.Party), cmp.Compare(a.Peer, b.Peer))
	})
	return all
}

func restrictionColumns(rows []restrictionChange) []any {
	var text [5][]string
	since, lifted := make([]time.Time, len(rows)), make([]bool, len(rows))
	for i := range rows {
		r := &rows[i]
		for c, value := range [...]string{r.Kind, r.Tenant, r.Mask, r.Party, r.Peer} {
			text[c] = append(text[c], value)
		}
		since[i], lifted[i] = r.Since, r.lifted
	}
	return []any{text[0], text[1], text[2], text[3], text[4], since, lifted}
}

// ReadRestrictions reads one snapshot. Writers follow one another, so nothing
// can appear later below the version that it returns.
func (s *Store) ReadRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (numberdb.Position, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	position, err := s.readRestrictions(ctx, after, tell)
	switch {
	case errors.Is(err, numberdb.ErrFeedLost):
		return 0, numberdb.ErrFeedLost
	case err != nil:
		return 0, explain(ctx, "reading restrictions", err)
	}
	return position, nil
}

func (s *Store) readRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (numberdb.Position, error) {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Query)
	defer cancel()
	rows, err := s.pool.Query(bounded, readRestrictions, int64(after))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var version, floor int64
	told := false
	for rows.Next() {
		var kind, tenant, mask, party, peer pgtype.Text
		var since pgtype.Timestamptz
		var lifted pgtype.Bool
		if err := rows.Scan(&version, &floor, &kind, &tenant, &mask, &party, &peer, &since, &lifted); err != nil {
			return 0, err
		}
		if told = true; after > 0 && (int64(after) < floor || int64(after) > version) {
			return 0, numberdb.ErrFeedLost // rows were deleted, or another cluster stands behind the address
		}
		if !kind.Valid {
			continue
		}
		row := numberdb.RestrictionRow{
			Kind: kind.String, Tenant: tenant.String, Mask: mask.String, Party: party.String, Peer: peer.String, Since: since.Time,
		}
		if r, err := row.Restriction(); err == nil {
			tell(numberdb.RestrictionChange{Restriction: r, Lifted: lifted.Bool})
		}
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if !told {
		return 0, numberdb.ErrFeedLost
	}
	return numberdb.Position(version), nil
}
