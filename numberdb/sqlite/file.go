package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"maskline/numberdb"
)

const (
	fileName    = "maskline.db"
	lockName    = "maskline.db.lock"
	busyTimeout = "5000" // milliseconds; only a foreign shell ever holds a lock
	readers     = 2
	readerIdle  = 10 * time.Second
	writerCache = "cache_size(-65536)" // KiB: a large import does not spill
	// 32 MiB: commits at random keys touch the same pages again and again, and
	// each checkpoint writes a page once.
	walPages = "wal_autocheckpoint(8192)"
)

func (s *Store) openFile(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	var err error
	if s.lock, err = lockFile(filepath.Join(dir, lockName)); err != nil {
		return err
	}
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err != nil {
		return err
	}
	// SQLite gives the files beside it (WAL, shared memory) the same mode.
	if err := createPrivate(path); err != nil {
		return err
	}
	if s.writer, err = openDB(path, url.Values{
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", walPages, writerCache},
		"_txlock": {"immediate"},
	}); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	// WAL mode stands before readers come.
	if err := s.writer.PingContext(ctx); err != nil {
		return err
	}
	if s.reader, err = openDB(path, url.Values{"_pragma": {"query_only(1)"}}); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetConnMaxIdleTime(readerIdle) // what a busy moment has opened does not stay
	return nil
}

func openDB(path string, query url.Values) (*sql.DB, error) {
	query.Set("_busy_timeout", busyTimeout)
	query.Set("_dqs", "0")
	name := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(readers)
	return db, nil
}

func openMemory() (*sql.DB, error) {
	connector, err := sqlite.NewConnector("file::memory:?_dqs=0&_foreign_keys=1")
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	// The database is the connection's.
	db.SetMaxOpenConns(1)
	return db, nil
}

func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("creating the database: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("creating the database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("creating the database: %w", fs.ErrInvalid)
	}
	return f.Chmod(0o600)
}

// fileLock is held by one process; the kernel drops it with the process.
type fileLock struct{ file *os.File }

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &fileLock{f}, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = numberdb.ErrInUse
	} else {
		err = fmt.Errorf("locking the data directory: %w", err)
	}
	return nil, errors.Join(err, f.Close())
}

func (l *fileLock) release() error { return l.file.Close() }
