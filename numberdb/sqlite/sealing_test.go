package sqlite

import (
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// scanDir is how many of the numbers stand in all files under a folder.
func scanDir(t *testing.T, dir string, scanner *storetest.Scanner) (found int) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files++
		found += scanner.Found(data)
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
	return found
}

func execAll(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range statements {
		if _, err := tx.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// clearFile makes a file of schema 2, with pages that hold rows of before.
func clearFile(t *testing.T, dir string, rows *storetest.ClearStore) {
	t.Helper()
	db, err := openDB(filepath.Join(dir, fileName), url.Values{"_pragma": {"journal_mode(WAL)"}})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	old, err := provider(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	statements := rows.SQL("", func(names []string) string { return "'" + strings.Join(names, "|") + "'" },
		func(at time.Time) string { return strconv.FormatInt(at.UnixMicro(), 10) })
	execAll(t, db, statements...)
	execAll(t, db, `DELETE FROM bindings`, `DELETE FROM restrictions`)
	execAll(t, db, append(statements, `UPDATE feed SET position = 77`, `UPDATE restrictions_feed SET version = 5`)...)
	// A row that made no binding was never used.
	execAll(t, db, `INSERT INTO bindings VALUES ('441110000009', '*', 'sip', 'no address', '441110000009', 'voice', '', NULL, '', 0)`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFileInClearIsSealed(t *testing.T) {
	dir := t.TempDir()
	rows := storetest.NewClearStore(1000)
	scanner := storetest.NewScanner(rows.Numbers)
	clearFile(t, dir, rows)
	if found := scanDir(t, dir, scanner); found != len(rows.Numbers) {
		t.Fatalf("the scan finds %d of %d numbers where they stand in clear", found, len(rows.Numbers))
	}
	if _, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.Keys(), ManualMigrations: true}); !errors.Is(err, numberdb.ErrSchemaOld) {
		t.Fatalf("left to the operator: %v", err)
	}
	store, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	if found := scanDir(t, dir, scanner); found != 0 {
		t.Errorf("%d numbers in clear after the migration", found)
	}
	wantRows(t, store, rows)
	// What is written and deleted from here on shows nothing either.
	for key := range rows.Bindings {
		storetest.Apply(t, store, numberdb.Change{Binding: numberdb.Binding{Mask: key[0], Party: key[1]}, Deleted: true})
		break
	}
	var changes []numberdb.Change
	for _, b := range rows.Bindings {
		changes = append(changes, numberdb.Change{Binding: b})
	}
	storetest.Apply(t, store, changes...)
	if found := scanDir(t, dir, scanner); found != 0 {
		t.Errorf("%d numbers in clear while it is open", found)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if found := scanDir(t, dir, scanner); found != 0 {
		t.Errorf("%d numbers in clear after the end", found)
	}
	store = database(dir)(t).(*Store)
	defer store.Close()
	wantRows(t, store, rows)
}

func wantRows(t *testing.T, store *Store, want *storetest.ClearStore) {
	t.Helper()
	if diff := cmp.Diff(want.Bindings, storetest.Rows(t, store)); diff != "" {
		t.Fatal(diff)
	}
	standing, all := map[numberdb.Restriction]bool{}, map[numberdb.Restriction]bool{}
	for r, lifted := range want.Restrictions {
		if !lifted {
			standing[r] = false
		}
	}
	for after, got := range []map[numberdb.Restriction]bool{standing, all} {
		if _, err := store.ReadRestrictions(t.Context(), numberdb.Position(after), func(c numberdb.RestrictionChange) {
			got[c.Restriction] = c.Lifted
		}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.Restrictions, all); diff != "" || len(standing) == len(all) {
		t.Fatal(diff)
	}
}

// A crash between the migration and the scrubbing leaves the scrubbing to the
// next start, one that leaves the schema to the operator too.
func TestScrubbingIsTakenUpAgain(t *testing.T) {
	for name, manual := range map[string]bool{"upgraded by itself": false, "left to the operator": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			scanner, db := unscrubbed(t, dir)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			store, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.Keys(), ManualMigrations: manual})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if found := scanDir(t, dir, scanner); found != 0 {
				t.Errorf("%d numbers in clear", found)
			}
		})
	}
}

// Somebody who reads the file meanwhile keeps the old pages in it.
func TestScrubbingIsNotDoneWhileTheFileIsRead(t *testing.T) {
	dir := t.TempDir()
	scanner, db := unscrubbed(t, dir)
	defer db.Close()
	execAll(t, db, `PRAGMA busy_timeout = 20`)
	shell, err := openDB(filepath.Join(dir, fileName), url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	reading, err := shell.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var position int
	if err := reading.QueryRow(`SELECT position FROM feed`).Scan(&position); err != nil {
		t.Fatal(err)
	}
	if err := scrub(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if scanDir(t, dir, scanner) == 0 {
		t.Fatal("nothing is left to scrub: the test shows nothing")
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := scrub(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if found := scanDir(t, dir, scanner); found != 0 {
		t.Errorf("%d numbers in clear", found)
	}
}

// unscrubbed is a file that was migrated only, and what finds its numbers.
func unscrubbed(t *testing.T, dir string) (*storetest.Scanner, *sql.DB) {
	t.Helper()
	rows := storetest.NewClearStore(200)
	clearFile(t, dir, rows)
	db, err := openDB(filepath.Join(dir, fileName), url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	p, err := provider(db, storetest.Keys())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	scanner := storetest.NewScanner(rows.Numbers)
	if scanDir(t, dir, scanner) == 0 {
		t.Fatal("nothing is left to scrub: the test shows nothing")
	}
	return scanner, db
}

func TestAnotherKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	store := database(dir)(t)
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.MasterKey("1").Wrapper()}); !errors.Is(err, numberdb.ErrAnotherKey) {
		t.Fatalf("opened with another key: %v", err)
	}
	if _, err := Open(t.Context(), Config{Dir: dir}); !errors.Is(err, numberdb.ErrNoKey) {
		t.Fatalf("opened without a key: %v", err)
	}
	store = database(dir)(t)
	defer store.Close()
	if len(storetest.Rows(t, store)) != 1 {
		t.Fatal("the binding is lost")
	}
}

// An older edge on a file of a newer schema, which has only more columns.
func TestColumnsOfANewerVersion(t *testing.T) {
	dir := t.TempDir()
	store := database(dir)(t).(*Store)
	for _, table := range []string{"bindings", "restrictions", "keys"} {
		execAll(t, store.writer, `ALTER TABLE `+table+` ADD COLUMN later TEXT NOT NULL DEFAULT 'x'`)
	}
	execAll(t, store.writer, `INSERT INTO schema_version (version_id, is_applied) VALUES (99, 1)`)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = database(dir)(t).(*Store)
	defer store.Close()
	follower := storetest.Follow(t, store)
	storetest.Apply(t, store, storetest.Put(1, 1, 2), storetest.Put(2, 1, 2))
	storetest.Apply(t, store, storetest.Put(1, 1, 3), storetest.Delete(2, 1))
	follower.WaitEqual(t, store)
	if err := store.ApplyRestrictions(t.Context(), []numberdb.RestrictionChange{{Restriction: storetest.Restricted(1)}}); err != nil {
		t.Fatal(err)
	}
	told := 0
	if _, err := store.ReadRestrictions(t.Context(), 0, func(numberdb.RestrictionChange) { told++ }); err != nil || told != 1 {
		t.Fatalf("%d restrictions, %v", told, err)
	}
}

// A row that was altered by hand is left out and counted; the others serve on.
func TestAltered(t *testing.T) {
	for name, set := range map[string]string{
		"moved": `mask = mask + 100`, "another party": `party = zeroblob(16)`, "altered": `sealed = CAST(sealed || x'00' AS BLOB)`, "empty": `sealed = x''`,
		"another presented": `present = present + 1`, "later expiry": `expires = expires + 1`, "another tenant": `tenant = 'y'`,
		"session": `session = 9`, "counted": `counted = 0`, "digest": `digest = digest + 1`, "second": `second = present`, "services": `services = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			store := database("")(t).(*Store)
			defer store.Close()
			change := storetest.Put(1, 1, 2)
			change.Binding.Session, change.Binding.Counted = 7, true
			storetest.Apply(t, store, change, storetest.Put(2, 1, 2))
			execAll(t, store.writer, `UPDATE bindings SET `+set+` WHERE session = 7`)
			loaded := 0
			snapshot, err := store.Load(t.Context(), func(numberdb.Binding) { loaded++ })
			if err != nil || snapshot.Refused != 1 || loaded != 1 {
				t.Fatalf("%d loaded, %d refused, %v", loaded, snapshot.Refused, err)
			}
		})
	}
}
