package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("MASKLINE_TEST_OPEN"); dir != "" {
		openInChild(dir)
	}
	if dir := os.Getenv(commitVariable); dir != "" {
		commitInChild(dir)
	}
	if dir := os.Getenv("MASKLINE_TEST_APPLY"); dir != "" {
		applyInChild(dir)
	}
	goleak.VerifyTestMain(m)
}

func database(dir string) storetest.Database {
	return func(t *testing.T) numberdb.Store {
		store, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.Keys()})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database { return database(t.TempDir()) })
}

func TestInMemory(t *testing.T) {
	store := database("")(t)
	defer store.Close()
	follower := storetest.Follow(t, store)
	for i := range 200 {
		storetest.Apply(t, store, storetest.Put(i%9, i%4, i), storetest.Delete(i%5, i%3))
	}
	follower.WaitEqual(t, store)
	other := database("")(t)
	defer other.Close()
	if len(storetest.Rows(t, other)) != 0 {
		t.Fatal("two stores in memory share their bindings")
	}
}

// Another one's commit, such as of a large import, holds up nobody beyond what he
// waits for.
func TestAWriteWaitsAsLongAsItsContext(t *testing.T) {
	store := database("")(t).(*Store)
	defer store.Close()
	store.turn <- struct{}{}
	for name, write := range map[string]func(ctx context.Context) error{
		"apply": func(ctx context.Context) error {
			_, err := store.Apply(ctx, []numberdb.Change{storetest.Put(1, 1, 2)})
			return err
		},
		"commit": func(ctx context.Context) error {
			_, err := store.Commit(ctx, &numberdb.Writes{Sessions: []numberdb.Session{storetest.Session(1)}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := write(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
		})
	}
	<-store.turn
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	store := database(dir)(t)
	defer store.Close()
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		seen++
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
		return nil
	})
	if err != nil || seen < 4 {
		t.Fatalf("%d files, %v", seen, err)
	}
}

func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	store := database(dir)(t)
	_, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.Keys()})
	if !errors.Is(err, numberdb.ErrInUse) {
		t.Fatalf("a second store was opened: %v", err)
	}
	if !strings.Contains(err.Error(), "control.sock") || strings.Contains(err.Error(), dir) {
		t.Errorf("the fault names no remedy, or a path: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := database(dir)(t).Close(); err != nil {
		t.Fatal(err)
	}
}

func openInChild(dir string) {
	_, err := Open(context.Background(), Config{Dir: dir, Keys: storetest.Keys()})
	if errors.Is(err, numberdb.ErrInUse) {
		os.Exit(3)
	}
	os.Exit(0)
}

func TestOneOwnerAmongProcesses(t *testing.T) {
	dir := t.TempDir()
	child := func() int {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MASKLINE_TEST_OPEN="+dir)
		_ = cmd.Run() // its exit code is the answer
		return cmd.ProcessState.ExitCode()
	}
	store := database(dir)(t)
	if code := child(); code != 3 {
		t.Fatalf("another process got in: exit %d", code)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	// The child ends without closing, as a crash does.
	for range 2 {
		if code := child(); code != 0 {
			t.Fatalf("a free directory was refused: exit %d", code)
		}
	}
}

func TestManualMigrations(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), Config{Dir: dir, ManualMigrations: true, Keys: storetest.Keys()}); !errors.Is(err, numberdb.ErrSchemaOld) {
		t.Fatalf("a database without schema was opened: %v", err)
	}
	for range 2 {
		if err := Migrate(t.Context(), Config{Dir: dir, Keys: storetest.Keys()}); err != nil {
			t.Fatal(err)
		}
	}
	store, err := Open(t.Context(), Config{Dir: dir, ManualMigrations: true, Keys: storetest.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestANewerSchemaIsTaken(t *testing.T) {
	dir := t.TempDir()
	store, err := Open(t.Context(), Config{Dir: dir, Keys: storetest.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.writer.Exec(`INSERT INTO schema_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, manual := range []bool{false, true} {
		store, err := Open(t.Context(), Config{Dir: dir, ManualMigrations: manual, Keys: storetest.Keys()})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: filepath.Join(file, "data"), Keys: storetest.Keys()}); err == nil {
		t.Fatal("opened")
	}
}

// A row that a foreign hand wrote, here one moved to another mask, is left out
// and counted.
func TestARowThatIsNoBinding(t *testing.T) {
	store, err := Open(t.Context(), Config{Dir: t.TempDir(), Keys: storetest.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
	if _, err := store.writer.Exec(`INSERT INTO bindings SELECT mask + 1, party, sealed, present, second, services, carriers, expires,
		tenant, session, counted, keep, digest FROM bindings`); err != nil {
		t.Fatal(err)
	}
	loaded := 0
	snapshot, err := store.Load(t.Context(), func(numberdb.Binding) { loaded++ })
	if err != nil || loaded != 1 || snapshot.Refused != 1 {
		t.Fatalf("%d loaded, %d refused, %v", loaded, snapshot.Refused, err)
	}
}

func TestFeed(t *testing.T) {
	changes := func(n int) []numberdb.Change { return make([]numberdb.Change, n) }
	cases := []struct {
		name   string
		events func(*feed)
		from   numberdb.Position
		want   []numberdb.Position
		fault  error
	}{
		{"nothing happened", func(*feed) {}, 10, nil, nil},
		{"a tail", func(f *feed) { f.publish(11, changes(1)); f.publish(12, changes(1)); f.publish(13, nil) }, 11, []numberdb.Position{12, 13}, nil},
		{"from before the start", func(*feed) {}, 9, nil, numberdb.ErrFeedLost},
		{"from the future", func(*feed) {}, 11, nil, numberdb.ErrFeedLost},
		{"beyond the bound", func(f *feed) { f.publish(11, changes(feedChanges)); f.publish(12, changes(feedSpare)) }, 10, nil, numberdb.ErrFeedLost},
		{"at the bound", func(f *feed) { f.publish(11, changes(feedChanges)); f.publish(12, changes(feedSpare)) }, 11, []numberdb.Position{12}, nil},
		{"a commit beyond the bound", func(f *feed) { f.publish(11, changes(feedChanges+feedSpare)) }, 10, nil, numberdb.ErrFeedLost},
		{"after it", func(f *feed) { f.publish(11, changes(feedChanges+feedSpare)); f.publish(12, nil) }, 11, []numberdb.Position{12}, nil},
		{"in doubt", func(f *feed) { f.publish(11, nil); f.lose() }, 11, nil, numberdb.ErrFeedLost},
		{"doubt settled, not committed", func(f *feed) { f.publish(11, nil); f.lose(); f.settle(11, 1) }, 11, nil, nil},
		{"doubt settled, committed", func(f *feed) { f.publish(11, nil); f.lose(); f.settle(12, 1) }, 11, nil, numberdb.ErrFeedLost},
		{"doubt settled too early", func(f *feed) { f.lose(); f.lose(); f.settle(10, 1) }, 10, nil, numberdb.ErrFeedLost},
		{"doubt ended by a commit, not committed", func(f *feed) { f.lose(); f.publish(11, nil) }, 10, []numberdb.Position{11}, nil},
		{"doubt ended by a commit, committed", func(f *feed) { f.lose(); f.publish(12, nil) }, 10, nil, numberdb.ErrFeedLost},
		{"a gap", func(f *feed) { f.publish(12, nil) }, 10, nil, numberdb.ErrFeedLost},
		{"closed", func(f *feed) { f.close() }, 10, nil, numberdb.ErrClosed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFeed(10)
			c.events(f)
			commits, _, err := f.after(c.from)
			if !errors.Is(err, c.fault) {
				t.Fatalf("fault %v, want %v", err, c.fault)
			}
			var got []numberdb.Position
			for _, commit := range commits {
				got = append(got, commit.position)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			store, err := Open(b.Context(), Config{Dir: b.TempDir(), Keys: storetest.Keys()})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			changes := make([]numberdb.Change, size)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				for i := range changes {
					changes[i] = storetest.Put(n%1000, i, i)
				}
				if _, err := store.Apply(b.Context(), changes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	const rows = 100_000
	store, err := Open(b.Context(), Config{Dir: b.TempDir(), Keys: storetest.Keys()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	changes := make([]numberdb.Change, rows)
	for i := range changes {
		changes[i] = storetest.Put(i%2000, i/2000, i)
	}
	if _, err := store.Apply(b.Context(), changes); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Load(b.Context(), func(numberdb.Binding) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
