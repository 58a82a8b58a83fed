package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"maskline/numberdb"
	"maskline/seal"
)

var _ numberdb.APIKeyStore = (*Store)(nil)

const (
	apiKeyColumns = `id, public, hash, tenant, role, scopes, label, created, expires, suspended, revoked, used`
	putAPIKey     = `INSERT INTO api_keys AS k (` + apiKeyColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET label = excluded.label, suspended = excluded.suspended,
			expires = CASE WHEN k.expires = 0 THEN excluded.expires WHEN excluded.expires = 0 THEN k.expires ELSE min(k.expires, excluded.expires) END,
			revoked = CASE WHEN k.revoked = 0 THEN excluded.revoked ELSE k.revoked END`
)

// APIKeys reads all of one snapshot.
func (s *Store) APIKeys(ctx context.Context) (keys []numberdb.APIKey, version numberdb.APIKeyVersion, err error) {
	err = s.read(ctx, "reading API keys", func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT version FROM api_keys_feed`).Scan(&version); err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			k, err := scanAPIKey(rows)
			if err == nil && k.Check() == nil {
				keys = append(keys, k)
			}
			return err
		}, `SELECT `+apiKeyColumns+` FROM api_keys ORDER BY id`)
	})
	return keys, version, err
}

func scanAPIKey(rows *sql.Rows) (k numberdb.APIKey, err error) {
	var hash []byte
	var scopes string
	var created, expires, suspended, revoked, used int64
	if err := rows.Scan(&k.ID, &k.Public, &hash, &k.Tenant, &k.Role, &scopes, &k.Label, &created, &expires, &suspended, &revoked, &used); err != nil {
		return k, err
	}
	copy(k.Hash[:], hash)
	k.Scopes = strings.Fields(scopes)
	k.Created = time.UnixMicro(created).UTC()
	k.Expires, k.Suspended, k.Revoked, k.Used = numberdb.FromMicros(expires), numberdb.FromMicros(suspended), numberdb.FromMicros(revoked), numberdb.FromMicros(used)
	return k, nil
}

// APIKeyVersion reads the version.
func (s *Store) APIKeyVersion(ctx context.Context) (version numberdb.APIKeyVersion, err error) {
	err = s.read(ctx, "reading the version of API keys", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT version FROM api_keys_feed`).Scan(&version)
	})
	return version, err
}

// PutAPIKeys writes them in one transaction.
func (s *Store) PutAPIKeys(ctx context.Context, keys []numberdb.APIKey) error {
	for i := range keys {
		if err := keys[i].Check(); err != nil {
			return fmt.Errorf("key %d of %d: %w", i+1, len(keys), err)
		}
	}
	return s.writeAPIKeys(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for i := range keys {
			k := &keys[i]
			var taken bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM api_keys WHERE public = ? AND id <> ?)`, k.Public, int64(k.ID)).Scan(&taken); err != nil {
				return err
			}
			if taken {
				return numberdb.ErrPublicTaken
			}
			if _, err := tx.ExecContext(ctx, putAPIKey, int64(k.ID), k.Public, k.Hash[:], k.Tenant, k.Role, strings.Join(k.Scopes, " "), k.Label,
				k.Created.UnixMicro(), numberdb.Micros(k.Expires), numberdb.Micros(k.Suspended), numberdb.Micros(k.Revoked), numberdb.Micros(k.Used)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE api_keys_feed SET version = version + 1`)
		return err
	})
}

// NoteAPIKeysUsed writes them in one transaction.
func (s *Store) NoteAPIKeysUsed(ctx context.Context, used map[numberdb.ID]time.Time) error {
	return s.writeAPIKeys(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for id, at := range used {
			if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET used = max(used, ?) WHERE id = ?`, at.UnixMicro(), int64(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) writeAPIKeys(ctx context.Context, write func(ctx context.Context, tx *sql.Tx) error) error {
	return s.change(ctx, "storing API keys", write)
}

// TokenMAC is of the data key.
func (s *Store) TokenMAC(context.Context) (*seal.MAC, error) { return s.vault.TokenMAC(), nil }
