package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

var _ numberdb.RestrictionStore = (*Store)(nil)

const (
	putRestrictions = `INSERT INTO maskline.restrictions (kind, tenant, mask, party, peer, sealed, since, lifted)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bigint[], $8::boolean[])
		ON CONFLICT (kind, tenant, mask, party, peer) DO UPDATE SET
		sealed = excluded.sealed, since = excluded.since, lifted = excluded.lifted`
	// One statement and so one snapshot. Its first row is there even where
	// nothing changed.
	readRestrictions = `SELECT f.version, f.floor, r.kind, r.tenant, r.mask, r.party, r.peer, r.sealed, r.since, r.lifted
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

// querier is a transaction, or some connection.
type querier interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}

func (s *Store) putRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	return s.transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for part := range slices.Chunk(lastOfEach(s.vault, changes), chunk) {
			if err := s.exec(ctx, tx, putRestrictions, restrictionColumns(part)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastOfEach keeps the last change of each key, in the order of keys.
func lastOfEach(vault *numberdb.Vault, changes []numberdb.RestrictionChange) []numberdb.StoredRestriction {
	type key struct {
		kind, tenant string
		mask, peer   int64
		party        numberdb.HiddenParty
	}
	last := make(map[key]numberdb.StoredRestriction, len(changes))
	for i := range changes {
		r := vault.StoreRestriction(&changes[i])
		last[key{r.Kind, r.Tenant, r.Mask, r.Peer, r.Party}] = r
	}
	return slices.SortedFunc(maps.Values(last), func(a, b numberdb.StoredRestriction) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Mask, b.Mask),
			bytes.Compare(a.Party[:], b.Party[:]), cmp.Compare(a.Peer, b.Peer))
	})
}

func restrictionColumns(rows []numberdb.StoredRestriction) []any {
	kinds, tenants := make([]string, len(rows)), make([]string, len(rows))
	masks, peers, since := make([]int64, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
	parties, sealed, lifted := make([][]byte, len(rows)), make([][]byte, len(rows)), make([]bool, len(rows))
	for i := range rows {
		r := &rows[i]
		kinds[i], tenants[i], masks[i], parties[i] = r.Kind, r.Tenant, r.Mask, r.Party[:]
		peers[i], sealed[i], since[i], lifted[i] = r.Peer, r.Sealed, r.Since, r.Lifted
	}
	return []any{kinds, tenants, masks, parties, peers, sealed, since, lifted}
}

// ReadRestrictions reads one snapshot. Writers follow one another, so nothing
// can appear later below the version that it returns.
func (s *Store) ReadRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (numberdb.RestrictionsRead, error) {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return numberdb.RestrictionsRead{}, err
	}
	defer done()
	read, err := s.restrictionsSince(ctx, after, tell)
	switch {
	case errors.Is(err, numberdb.ErrFeedLost):
		return numberdb.RestrictionsRead{}, numberdb.ErrFeedLost
	case err != nil:
		return numberdb.RestrictionsRead{}, explain(ctx, "reading restrictions", err)
	}
	return read, nil
}

// restrictionsSince reads the whole table, after 0, in the time of a load: it may
// hold millions. What came since is read in that of a query.
func (s *Store) restrictionsSince(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (read numberdb.RestrictionsRead, err error) {
	if after == 0 {
		err = s.longRead(ctx, func(ctx context.Context, tx pgx.Tx) error {
			read, err = s.readRestrictions(ctx, tx, after, tell)
			return err
		})
		return read, err
	}
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	return s.readRestrictions(ctx, s.pool, after, tell)
}

func (s *Store) readRestrictions(ctx context.Context, from querier, after numberdb.Position, tell func(numberdb.RestrictionChange)) (read numberdb.RestrictionsRead, err error) {
	rows, err := from.Query(ctx, readRestrictions, int64(after))
	if err != nil {
		return read, err
	}
	defer rows.Close()
	var version, floor int64
	told := false
	for rows.Next() {
		var kind, tenant pgtype.Text
		var mask, peer, since pgtype.Int8
		var party, sealed pgtype.DriverBytes
		var lifted pgtype.Bool
		if err := rows.Scan(&version, &floor, &kind, &tenant, &mask, &party, &peer, &sealed, &since, &lifted); err != nil {
			return read, err
		}
		if told = true; after > 0 && (int64(after) < floor || int64(after) > version) {
			return read, numberdb.ErrFeedLost // rows were deleted, or another cluster stands behind the address
		}
		if !kind.Valid {
			continue
		}
		stored := numberdb.StoredRestriction{
			Kind: kind.String, Tenant: tenant.String, Mask: mask.Int64, Peer: peer.Int64, Sealed: sealed, Since: since.Int64, Lifted: lifted.Bool,
		}
		copy(stored.Party[:], party)
		c, err := s.vault.OpenRestriction(&stored)
		if err != nil {
			read.Refused++
			continue
		}
		tell(c)
	}
	if err := rows.Err(); err != nil {
		return read, err
	}
	if !told {
		return read, numberdb.ErrFeedLost
	}
	read.Position = numberdb.Position(version)
	return read, nil
}
