package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"maskline/seal"
)

const (
	fileName = "ledger.db"
	// schemaVersion stands in the file's user_version.
	schemaVersion = 1
	// The associated data of the entry by which a wrong key is noticed.
	keyPlace = "key"
)

// What Open reports.
var (
	ErrInUse    = errors.New("another maskline process uses the ledger of this data_dir; stop it first")
	ErrWrongKey = errors.New("the ledger was sealed with another key; put the key file back that was there, " +
		"or move ledger.db away and lose the receipts that wait in it")
	ErrNewer = errors.New("the ledger was written by a newer version; run that, or move ledger.db away")
)

// schema: one group of submissions is one sealed blob, so that noting a message
// costs an append in memory and nothing else.
const schema = `
CREATE TABLE sent (
    id     INTEGER PRIMARY KEY, -- groups in the order in which they were written
    newest INTEGER NOT NULL,    -- microseconds since 1970
    count  INTEGER NOT NULL,    -- of submissions in it
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE held (
    seq    INTEGER PRIMARY KEY, -- receipts in the order in which they were held
    id     INTEGER NOT NULL UNIQUE,
    at     INTEGER NOT NULL,    -- held since, microseconds since 1970
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`

// openFile opens the one connection that the ledger uses. It holds SQLite's
// exclusive lock as long as it lives.
func openFile(ctx context.Context, dir string) (*sql.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err != nil {
		return nil, err
	}
	// SQLite gives the WAL the mode of the file.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the file: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("creating the file: %w", err)
	}
	query := url.Values{
		"_pragma": {"locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_dqs":    {"0"}, "_txlock": {"immediate"}, "_busy_timeout": {"1000"},
	}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(inUse(err), db.Close())
	}
	return db, nil
}

func inUse(err error) error {
	var fault *sqlite.Error
	if errors.As(err, &fault) && fault.Code()&0xFF == sqlite3.SQLITE_BUSY {
		return ErrInUse
	}
	return err
}

// prepareFile creates the schema and checks version and key.
func prepareFile(ctx context.Context, db *sql.DB, key *seal.Key) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return inUse(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	box := key.Box("ledger key")
	switch {
	case version == 0:
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES ('key', ?)`, box.Seal(nil, nil, []byte(keyPlace))); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion)); err != nil {
			return err
		}
		return tx.Commit()
	case version > schemaVersion:
		return ErrNewer
	}
	var sealed []byte
	if err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'key'`).Scan(&sealed); err != nil {
		return err
	}
	if _, err := box.Open(nil, sealed, []byte(keyPlace)); err != nil {
		return ErrWrongKey
	}
	return nil
}
