package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/seal"
)

var _ numberdb.APIKeyStore = (*Store)(nil)

const (
	apiKeyColumns = `id, public, hash, tenant, role, scopes, label, created, expires, suspended, revoked, used`
	bumpAPIKeys   = `UPDATE maskline.api_keys_feed SET version = version + 1`
	putAPIKeys    = `INSERT INTO maskline.api_keys AS k (` + apiKeyColumns + `)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
			$9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
		ON CONFLICT (id) DO UPDATE SET label = excluded.label, suspended = excluded.suspended,
			expires = CASE WHEN k.expires = 0 THEN excluded.expires WHEN excluded.expires = 0 THEN k.expires ELSE least(k.expires, excluded.expires) END,
			revoked = CASE WHEN k.revoked = 0 THEN excluded.revoked ELSE k.revoked END`
	useAPIKeys = `UPDATE maskline.api_keys k SET used = r.used FROM unnest($1::bigint[], $2::bigint[]) AS r(id, used)
		WHERE k.id = r.id AND k.used < r.used`
	// One statement and so one snapshot. The version is there even without keys.
	readAPIKeys = `SELECT f.version, coalesce(k.id, 0), coalesce(k.public, ''), coalesce(k.hash, ''), coalesce(k.tenant, ''), coalesce(k.role, ''),
		coalesce(k.scopes, ''), coalesce(k.label, ''), coalesce(k.created, 0), coalesce(k.expires, 0), coalesce(k.suspended, 0),
		coalesce(k.revoked, 0), coalesce(k.used, 0)
		FROM maskline.api_keys_feed f LEFT JOIN maskline.api_keys k ON true ORDER BY k.id`
)

// APIKeys reads all of one snapshot.
func (s *Store) APIKeys(ctx context.Context) (keys []numberdb.APIKey, version numberdb.APIKeyVersion, err error) {
	err = s.read(ctx, "reading API keys", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, readAPIKeys)
		if err != nil {
			return err
		}
		var v, id, created, expires, suspended, revoked, used int64
		var hash []byte
		var scopes string
		var k numberdb.APIKey
		_, err = pgx.ForEachRow(rows, []any{
			&v, &id, &k.Public, &hash, &k.Tenant, &k.Role, &scopes, &k.Label, &created, &expires, &suspended, &revoked, &used,
		}, func() error {
			version, k.ID = numberdb.APIKeyVersion(v), numberdb.ID(id)
			copy(k.Hash[:], hash)
			k.Scopes = strings.Fields(scopes)
			k.Created = time.UnixMicro(created).UTC()
			k.Expires, k.Suspended = numberdb.FromMicros(expires), numberdb.FromMicros(suspended)
			k.Revoked, k.Used = numberdb.FromMicros(revoked), numberdb.FromMicros(used)
			if k.Check() == nil {
				keys = append(keys, k)
			}
			return nil
		})
		return err
	})
	return keys, version, err
}

// APIKeyVersion reads the version.
func (s *Store) APIKeyVersion(ctx context.Context) (version numberdb.APIKeyVersion, err error) {
	err = s.read(ctx, "reading the version of API keys", s.cfg.Query, func(ctx context.Context) error {
		var v int64
		err := s.pool.QueryRow(ctx, `SELECT version FROM maskline.api_keys_feed`).Scan(&v)
		version = numberdb.APIKeyVersion(v)
		return err
	})
	return version, err
}

// PutAPIKeys writes them in one transaction; writers follow one another by the row
// of the version.
func (s *Store) PutAPIKeys(ctx context.Context, keys []numberdb.APIKey) error {
	for i := range keys {
		if err := keys[i].Check(); err != nil {
			return fmt.Errorf("key %d of %d: %w", i+1, len(keys), err)
		}
	}
	rows := slices.SortedFunc(slices.Values(keys), func(a, b numberdb.APIKey) int { return cmp.Compare(a.ID, b.ID) })
	err := s.writeAPIKeys(ctx, func(tx pgx.Tx) error {
		if err := s.exec(ctx, tx, bumpAPIKeys); err != nil {
			return err
		}
		return s.exec(ctx, tx, putAPIKeys, apiKeyArrays(rows)...)
	})
	var refused *ServerError
	if errors.As(err, &refused) && refused.State == uniqueViolation {
		return numberdb.ErrPublicTaken
	}
	return err
}

// NoteAPIKeysUsed writes them in one transaction.
func (s *Store) NoteAPIKeysUsed(ctx context.Context, used map[numberdb.ID]time.Time) error {
	ids := slices.Sorted(maps.Keys(used))
	numbers, times := make([]int64, len(ids)), make([]int64, len(ids))
	for i, id := range ids {
		numbers[i], times[i] = int64(id), used[id].UnixMicro()
	}
	return s.writeAPIKeys(ctx, func(tx pgx.Tx) error { return s.exec(ctx, tx, useAPIKeys, numbers, times) })
}

func (s *Store) writeAPIKeys(ctx context.Context, write func(pgx.Tx) error) error {
	return s.inTransaction(ctx, "storing API keys", func(_ context.Context, tx pgx.Tx) error { return write(tx) })
}

func apiKeyArrays(rows []numberdb.APIKey) []any {
	n := len(rows)
	var texts [5][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	var numbers [6][]int64
	for i := range numbers {
		numbers[i] = make([]int64, n)
	}
	hashes := make([][]byte, n)
	for i := range rows {
		k := &rows[i]
		hashes[i] = k.Hash[:]
		for c, text := range [...]string{k.Public, k.Tenant, k.Role, strings.Join(k.Scopes, " "), k.Label} {
			texts[c][i] = text
		}
		for c, number := range [...]int64{
			int64(k.ID), k.Created.UnixMicro(), numberdb.Micros(k.Expires), numberdb.Micros(k.Suspended), numberdb.Micros(k.Revoked), numberdb.Micros(k.Used),
		} {
			numbers[c][i] = number
		}
	}
	return []any{numbers[0], texts[0], hashes, texts[1], texts[2], texts[3], texts[4], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]}
}

// TokenMAC is of the data key, which is in the database.
func (s *Store) TokenMAC(ctx context.Context) (codes *seal.MAC, err error) {
	err = s.read(ctx, "reading the data key", s.cfg.Query, func(context.Context) error {
		codes = s.vault.TokenMAC()
		return nil
	})
	return codes, err
}
