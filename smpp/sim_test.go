package smpp

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// simulate plays one seed and returns what was wrong, and its history.
func simulate(seed uint64, moves int) (faults []string, h *simHistory) {
	w := newSimWorld(seed)
	for range moves {
		w.move()
	}
	w.quiet()
	h = newSimHistory(w.rules(), w.events)
	faults = append(w.faults, h.check()...)
	w.faults = nil
	w.leftovers()
	w.tally(h)
	return append(faults, w.faults...), h
}

func (w *simWorld) rules() simRules {
	return simRules{answerWithin: w.cfg.AnswerWithin, within: 2 * tick, parkFor: parkFor}
}

// simMoves are the events of one seed, before everybody behaves.
const simMoves = 600

// simNumber reads SEEDS, how many to play instead of the usual, and SEED, which
// one alone.
func simNumber(t *testing.T, name string, otherwise uint64) (uint64, bool) {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is no number", name)
	}
	return n, true
}

// Whatever happens to an edge: every message is answered once, acknowledged
// only when exactly one carrier has it, and every receipt ends in one place.
// A failing seed is replayed by SEED=n.
func TestSimulation(t *testing.T) {
	first, alone := simNumber(t, "SEED", 0)
	count, _ := simNumber(t, "SEEDS", simSeeds)
	if alone {
		count = 1
	}
	const groups = 8 // seeds are short: a test for each would cost more
	for g := range uint64(groups) {
		t.Run(fmt.Sprint("group", g), func(t *testing.T) {
			t.Parallel()
			for seed := first + g; seed < first+count; seed += groups {
				faults, h := simulate(seed, simMoves)
				if alone {
					for _, e := range h.events {
						t.Log(e)
					}
				}
				if len(faults) == 0 {
					continue
				}
				t.Fatalf("SEED=%d: %d faults, the first: %s", seed, len(faults), faults[0])
			}
		})
	}
}

// The same seed gives the same history: a failure can be replayed.
func TestSimulationIsRepeatable(t *testing.T) {
	for seed := range uint64(5) {
		_, one := simulate(seed, simMoves)
		_, two := simulate(seed, simMoves)
		if len(one.events) != len(two.events) {
			t.Fatalf("seed %d: %d and %d events", seed, len(one.events), len(two.events))
		}
		for i := range one.events {
			if a, b := one.events[i].String(), two.events[i].String(); a != b {
				t.Fatalf("seed %d differs:\n%s\n%s", seed, a, b)
			}
		}
	}
}
