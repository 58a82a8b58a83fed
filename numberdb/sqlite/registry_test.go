package sqlite

import (
	"context"
	"fmt"
	"testing"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// BenchmarkCommit commits groups of new sessions with two masks each.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{64, 250} {
		b.Run(fmt.Sprintf("sessions=%d", size), func(b *testing.B) {
			store, err := Open(b.Context(), Config{Dir: b.TempDir(), Keys: storetest.Keys()})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			storetest.BenchmarkCommit(b, store, size)
		})
	}
}

// The history is never changed, by whatever statement.
func TestHistoryIsNeverChanged(t *testing.T) {
	store := database(t.TempDir())(t).(*Store)
	defer store.Close()
	storetest.Commit(t, store, numberdb.Writes{Masks: []numberdb.Mask{{Number: storetest.Mask(1), Services: numberdb.SMS, Since: store.now().Truncate(1000)}}})
	for _, text := range []string{`UPDATE mask_history SET why = 'x'`, `DELETE FROM mask_history`, `DELETE FROM mask_history WHERE mask > 0`} {
		if _, err := store.writer.ExecContext(t.Context(), text); err == nil {
			t.Errorf("%s was done", text)
		}
	}
	if lines, err := store.History(t.Context(), storetest.Mask(1), 0); err != nil || len(lines) != 1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
}

// What another hand has altered is left out and counted; the others are read.
func TestAnInventoryThatMakesNoSense(t *testing.T) {
	store := database("")(t).(*Store)
	defer store.Close()
	storetest.AlteredInventory(t, store, func(text string) { execAll(t, store.writer, text) }, "")
}

func TestMasksThatAreDeletedByHand(t *testing.T) {
	store := database("")(t).(*Store)
	defer store.Close()
	storetest.MasksChangedByHand(t, store, func(text string) { execAll(t, store.writer, text) }, "", false)
}

// commitInChild commits groups until it is killed.
func commitInChild(dir string) {
	store, err := Open(context.Background(), Config{Dir: dir, Keys: storetest.Keys()})
	if err != nil {
		panic(err)
	}
	storetest.CommitUntilKilled(store)
}

func TestKilledWhileCommitting(t *testing.T) {
	dir := t.TempDir()
	storetest.Killed(t, commitVariable+"="+dir, database(dir))
}

const commitVariable = "MASKLINE_TEST_COMMIT"

// No octet of data_dir shows a number of a participant, open or closed.
func TestRegistryShowsNoNumber(t *testing.T) {
	dir := t.TempDir()
	store := database(dir)(t).(*Store)
	numbers := storetest.RealNumbers(1000)
	storetest.CommitRealNumbers(t, store, numbers)
	scanner := storetest.NewScanner(numbers)
	open := scanDir(t, dir, scanner)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if closed := scanDir(t, dir, scanner); open != 0 || closed != 0 {
		t.Errorf("%d numbers stand in the files, %d after the end", open, closed)
	}
}
