//go:build peers

package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/pgtest"
)

// BenchmarkCommit commits groups of new sessions with two masks each, in a
// cluster that waits for its disk.
func BenchmarkCommit(b *testing.B) {
	durable, err := pgtest.Start(context.Background(), "fsync=on", "shared_buffers='512MB'", "max_wal_size='4GB'", "wal_level=logical")
	if err != nil {
		b.Fatal(err)
	}
	defer durable.Stop()
	for i, size := range []int{64, 250} {
		for k, feed := range []string{"changelog", "none"} {
			b.Run(fmt.Sprintf("sessions=%d/feed=%s", size, feed), func(b *testing.B) {
				name := fmt.Sprintf("bench_%d_%d_%d", i, k, b.N)
				if err := durable.CreateDatabase(b.Context(), name); err != nil {
					b.Fatal(err)
				}
				store, err := Open(Config{URL: durable.URL(name), Keys: storetest.Keys()})
				if err != nil {
					b.Fatal(err)
				}
				defer store.Close()
				if err := store.Prepare(b.Context()); err != nil {
					b.Fatal(err)
				}
				if feed == "none" { // as with logical replication: no trigger
					if err := durable.Exec(b.Context(), name, `ALTER TABLE maskline.bindings DISABLE TRIGGER ALL`); err != nil {
						b.Fatal(err)
					}
				}
				admin, err := pgx.Connect(b.Context(), durable.URL(name))
				if err != nil {
					b.Fatal(err)
				}
				defer admin.Close(b.Context())
				before := serverTime(b, admin)
				storetest.BenchmarkCommit(b, store, size)
				b.ReportMetric(float64((serverTime(b, admin)-before).Microseconds())/float64(b.N), "server-us/op")
			})
		}
	}
}

// serverTime is the CPU time of all processes of a cluster, those that ended
// left out.
func serverTime(b *testing.B, admin *pgx.Conn) (sum time.Duration) {
	b.Helper()
	rows, err := admin.Query(b.Context(), `SELECT pid FROM pg_stat_activity`)
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		var nanoseconds int64
		if err == nil {
			_, err = fmt.Sscan(string(text), &nanoseconds)
		}
		if err == nil {
			sum += time.Duration(nanoseconds)
		}
	}
	return sum
}

// The history is never changed, by whatever statement.
func TestHistoryIsNeverChanged(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.Commit(t, store, numberdb.Writes{Masks: []numberdb.Mask{{Number: storetest.Mask(1), Services: numberdb.SMS, Since: store.clock().Truncate(1000)}}})
	conn := connect(t, name)
	for _, text := range []string{
		`UPDATE maskline.mask_history SET why = 'x'`, `DELETE FROM maskline.mask_history`, `TRUNCATE maskline.mask_history`,
		`INSERT INTO maskline.mask_history (mask, line, at, what, why, actor) VALUES (1, 1, 1, 1, '', '')`,
	} {
		if _, err := conn.Exec(t.Context(), text); err == nil {
			t.Errorf("%s was done", text)
		}
	}
	if lines, err := store.History(t.Context(), storetest.Mask(1), 0); err != nil || len(lines) != 1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
}

// What another hand has altered is left out and counted; the others are read.
func TestAnInventoryThatMakesNoSense(t *testing.T) {
	store, name := newStore(t, nil)
	conn := connect(t, name)
	storetest.AlteredInventory(t, store, func(text string) { exec(t, conn, text) }, "maskline.")
}

// An edge of an earlier version, too, says nothing of versions.
func TestMasksThatAreChangedByHand(t *testing.T) {
	store, name := newStore(t, nil)
	conn := connect(t, name)
	storetest.MasksChangedByHand(t, store, func(text string) { exec(t, conn, text) }, "maskline.", true)
}

// commitInChild commits groups until it is killed.
func commitInChild(url string) {
	store, err := Open(Config{URL: url, Keys: storetest.Keys()})
	if err != nil {
		panic(err)
	}
	storetest.CommitUntilKilled(store)
}

func TestKilledWhileCommitting(t *testing.T) {
	name := newDatabase(t)
	admin := connect(t, "postgres")
	storetest.Killed(t, commitVariable+"="+server.URL(name), func(t *testing.T) numberdb.Store {
		// What the killed one had sent whole may still be going on.
		storetest.Eventually(t, "the end of its connections", func() bool {
			var left int
			if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = $1`, name).Scan(&left); err != nil {
				t.Fatal(err)
			}
			return left == 0
		})
		return openStore(t, name, nil)
	})
}

const commitVariable = "MASKLINE_TEST_COMMIT"

// A dump shows no number of a participant.
func TestRegistryShowsNoNumber(t *testing.T) {
	store, name := newStore(t, nil)
	numbers := storetest.RealNumbers(1000)
	storetest.CommitRealNumbers(t, store, numbers)
	text := dump(t, name)
	if !bytes.Contains(text, []byte("COPY maskline.sessions")) || !bytes.Contains(text, []byte("COPY maskline.attempts")) {
		t.Fatal("the dump is not whole")
	}
	if found := storetest.NewScanner(numbers).Found(text); found != 0 {
		t.Errorf("%d numbers stand in the dump", found)
	}
}

// BenchmarkInventory reads all masks, and after a lease those that were written since.
func BenchmarkInventory(b *testing.B) {
	const masks = 100_000
	store, name := newStore(b, nil)
	for from := 0; from < masks; from += 20_000 {
		var w numberdb.Writes
		for i := range 20_000 {
			w.Masks = append(w.Masks, numberdb.Mask{Number: storetest.Mask(0) + e164.Number(from+i), Country: "GB", Services: numberdb.SMS, Since: time.Unix(1, 0).UTC()})
		}
		storetest.Commit(b, store, w)
	}
	exec(b, connect(b, name), `VACUUM ANALYZE maskline.masks`)
	read := func(query numberdb.InventoryQuery) (told int, read numberdb.InventoryRead) {
		read, err := store.Inventory(b.Context(), query, func(numberdb.Pool) {}, func(numberdb.Mask) { told++ })
		if err != nil {
			b.Fatal(err)
		}
		return told, read
	}
	_, last := read(numberdb.InventoryQuery{})
	storetest.Commit(b, store, numberdb.Writes{Masks: []numberdb.Mask{{Number: storetest.Mask(7), Services: numberdb.SMS, State: numberdb.Held, Since: time.Unix(2, 0).UTC()}}})
	for name, c := range map[string]struct {
		query numberdb.InventoryQuery
		told  int
	}{"whole": {numberdb.InventoryQuery{}, masks}, "since a lease": {numberdb.InventoryQuery{After: last.Version, Masks: []e164.Number{storetest.Mask(9)}}, 2}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if told, _ := read(c.query); told != c.told {
					b.Fatalf("%d masks", told)
				}
			}
		})
	}
}
