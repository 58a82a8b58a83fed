package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// applyInChild replaces the bindings of one mask, all of them in each Apply,
// and writes a line after each, until it is killed.
func applyInChild(dir string) {
	store, err := Open(context.Background(), Config{Dir: dir, Keys: storetest.Keys()})
	if err != nil {
		panic(err)
	}
	first, err := strconv.Atoi(os.Getenv("MASKLINE_TEST_FIRST"))
	if err != nil {
		panic(err)
	}
	for n := first; ; n++ {
		position, err := store.Apply(context.Background(), wave(n))
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stdout, n, position)
	}
}

const waveRows = 20

func wave(n int) []numberdb.Change {
	changes := make([]numberdb.Change, waveRows)
	for i := range changes {
		changes[i] = storetest.Put(1, i, n)
	}
	return changes
}

// Whatever was acknowledged before a kill is there afterwards, each change
// whole, and positions go on.
func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 1))
	acknowledged, position := 0, uint64(0)
	for round := range 6 {
		env := []string{"MASKLINE_TEST_APPLY=" + dir, "MASKLINE_TEST_FIRST=" + strconv.Itoa(acknowledged+1)}
		for _, line := range storetest.ToldUntilKilled(t, env, 6+random.IntN(60), 0) {
			number, at, _ := strings.Cut(line, " ")
			told, err := strconv.ParseUint(at, 10, 64)
			if err != nil || told <= position {
				t.Fatalf("round %d: position %q after %d", round, at, position)
			}
			position = told
			if acknowledged, err = strconv.Atoi(number); err != nil {
				t.Fatal(err)
			}
		}
		store := database(dir)(t)
		rows := storetest.Rows(t, store)
		got := rows[storetest.Key{storetest.Mask(1), storetest.Party(0)}].To.Number
		if got != storetest.Party(acknowledged) && got != storetest.Party(acknowledged+1) {
			t.Fatalf("round %d: wave %d was acknowledged and is lost", round, acknowledged)
		}
		for _, b := range rows {
			if b.To.Number != got || len(rows) != waveRows {
				t.Fatalf("round %d: half a wave is there", round)
			}
		}
		if got == storetest.Party(acknowledged+1) {
			acknowledged++ // committed, and killed before it could say so
			position++
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledged < 6*5 {
		t.Fatalf("only %d waves", acknowledged)
	}
}
