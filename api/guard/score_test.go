package guard

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
)

func testScore() ScoreConfig {
	return ScoreConfig{
		Allocations: 100, Leases: 20, Rotations: 20, Countries: 5, Neighbours: 10, RefusedRange: 5,
		Throttle: 40, StepUp: 80, Suspend: 120,
	}
}

func benchGuard(b *testing.B, rules *Rules) *Guard {
	b.Helper()
	g, err := New(Config{}, rules, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// far is a number that is no neighbour of any other one.
func far(r *rand.Rand) string { return fmt.Sprintf("+44770%07d", 3*r.IntN(3_000_000)) }

// Lives of keys, as lists of what they do in an hour, and what is held against them.
func TestScores(t *testing.T) {
	type step func(w *world, r *rand.Rand, i int) error
	who := Who{Key: "key_a", Tenant: "shop"}
	sessions := func(w *world, r *rand.Rand, _ int) error { return w.allocate(who, far(r), far(r)) }
	for _, c := range []struct {
		name   string
		steps  int
		every  time.Duration
		do     step
		points int
		rules  string
	}{
		{"an ordinary app", 90, 30 * time.Second, sessions, 0, "[]"},
		{"the same over a day", 1000, 90 * time.Second, sessions, 0, "[]"},
		{"a surge", 150, time.Second, sessions, 30, "[allocations]"},
		{"a surge, twice", 250, time.Second, sessions, 45, "[allocations]"},
		{"a surge, four times", 450, time.Second, sessions, 60, "[allocations]"},
		{"numbers one after another", 15, time.Minute, func(w *world, r *rand.Rand, i int) error {
			return w.allocate(who, fmt.Sprintf("+44770090%04d", 2*i), fmt.Sprintf("+44770090%04d", 2*i+1))
		}, 75, "[sequential-numbers]"},
		{"and downwards", 13, time.Minute, func(w *world, r *rand.Rand, i int) error {
			return w.Contact(w.t.Context(), who, parties(fmt.Sprintf("+44770090%04d", 5000-i))[0])
		}, 50, "[sequential-numbers]"},
		{"the same two people again and again", 90, 30 * time.Second, func(w *world, r *rand.Rand, i int) error {
			return w.allocate(who, "+447700900123", "+447700900124")
		}, 0, "[]"},
		{"some neighbours among many", 60, 30 * time.Second, func(w *world, r *rand.Rand, i int) error {
			if i%4 == 0 {
				return w.allocate(who, fmt.Sprintf("+4477009%05d", i), fmt.Sprintf("+4477009%05d", i+1))
			}
			return w.allocate(who, far(r), far(r))
		}, 0, "[]"},
		{"mass registration", 25, time.Second, func(w *world, r *rand.Rand, i int) error {
			settle, err := w.Allocate(w.t.Context(), who, &Allocation{Parties: parties(far(r)), Alone: true, Lease: true})
			if err == nil {
				settle(1)
			}
			return err
		}, 40, "[leases]"},
		{"rapid rotation", 25, time.Second, func(w *world, r *rand.Rand, i int) error {
			w.Rotated(who, time.Second)
			return nil
		}, 40, "[rotations]"},
		{"leases given back after some time", 100, time.Second, func(w *world, r *rand.Rand, i int) error {
			w.Rotated(who, 10*time.Minute)
			return nil
		}, 0, "[]"},
		{"a new country with each call", 8, time.Minute, func(w *world, r *rand.Rand, i int) error {
			return w.Contact(w.t.Context(), who, parties([]string{"+447700900123", "+33612345678", "+12025550143", "+4915123456789", "+998901234567", "+861391234567", "+5511912345678", "+27821234567"}[i])[0])
		}, 30, "[new-countries]"},
		{"probing denied ranges", 6, time.Minute, func(w *world, r *rand.Rand, i int) error {
			if err := w.Contact(w.t.Context(), who, parties("+8816" + fmt.Sprint(10_000_000+i*7))[0]); codeOf(err) != CodePremium {
				return fmt.Errorf("not refused: %w", err)
			}
			return nil
		}, 50, "[denied-ranges]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := standardRules(t)
			rules.Score = testScore()
			rules.Score.StepUp, rules.Score.Suspend = 0, 0
			w := newWorld(t, rules, Config{})
			r := rand.New(rand.NewPCG(1, 2))
			for i := range c.steps {
				if err := c.do(w, r, i); err != nil {
					t.Fatal(err)
				}
				w.pass(c.every)
			}
			w.pass(-c.every)
			if s := w.Score(who); s.Points != c.points || fmt.Sprint(names(s.Why)) != c.rules {
				t.Errorf("%+v", s)
			}
			if s := w.Score(Who{Key: "key_b", Tenant: "shop"}); s.Points != 0 {
				t.Errorf("another key of the tenant: %+v", s)
			}
			w.pass(65 * time.Minute)
			if s := w.Score(who); s.Points != 0 {
				t.Errorf("an hour later: %+v", s)
			}
		})
	}
}

func TestThrottleStepUpAndSuspend(t *testing.T) {
	rules := standardRules(t)
	rules.Rate, rules.Score = 100, testScore()
	w := newWorld(t, rules, Config{})
	who, other := Who{Key: "key_a", Tenant: "shop"}, Who{Key: "key_b", Tenant: "shop"}
	r := rand.New(rand.NewPCG(3, 4))
	lease := func() error {
		settle, err := w.Allocate(t.Context(), who, &Allocation{Parties: parties(far(r)), Alone: true, Lease: true})
		if err == nil {
			settle(1)
		}
		return err
	}
	for range 21 {
		if err := lease(); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.detected) != 1 || w.detected[0] != who || len(w.suspended) != 0 {
		t.Fatalf("after 40 points: %v, %v", w.detected, w.suspended)
	}
	if a, err := w.Admit(who); err != nil || a.Policies[0].Quota != 10 {
		t.Fatalf("the rate is not tightened: %+v, %v", a.Policies, err)
	}
	if a, err := w.Admit(other); err != nil || a.Policies[0].Quota != 100 {
		t.Fatalf("that of another key is: %+v, %v", a.Policies, err)
	}
	for range 20 {
		if _, err := w.Admit(who); err != nil {
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Reason != "throttled" || len(refusal.Points) != 1 || refusal.Points[0].Rule != "leases" {
				t.Fatalf("%+v", refusal)
			}
		}
	}
	for codeOf(lease()) != CodeStepUp {
		if s := w.Score(who); s.Points > 120 {
			t.Fatalf("no step-up: %+v", s)
		}
	}
	if err := w.allocate(other, far(r), far(r)); err != nil {
		t.Error("another key has to step up", err)
	}
	for range 30 { // the key goes on with what is not refused
		w.Rotated(who, 0)
	}
	if len(w.suspended) != 1 || w.suspended[0] != who {
		t.Fatalf("suspended: %v", w.suspended)
	}
	for range 50 {
		w.Rotated(who, 0)
	}
	if len(w.suspended) != 1 || len(w.detected) != 1 {
		t.Errorf("told again: %v, %v", w.suspended, w.detected)
	}
	w.Forgive(who.Key)
	if err := lease(); err != nil {
		t.Error("a key that was forgiven", err)
	}
}

// A random life never gives points to a key that did nothing, and only those that
// its counts explain.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		rules := standardRules(t)
		rules.Score = testScore()
		w := newWorld(t, rules, Config{Keys: 16 * 64})
		did := map[string]int{}
		for range 2000 {
			who := Who{Key: fmt.Sprint("key_", r.IntN(10)), Tenant: "shop"}
			switch r.IntN(4) {
			case 0:
				w.Rotated(who, time.Duration(r.IntN(300))*time.Second)
			case 1:
				_ = w.Contact(t.Context(), who, parties(far(r))[0])
			default:
				if w.allocate(who, far(r), far(r)) == nil {
					did[who.Key]++
				}
			}
			w.pass(time.Duration(r.IntN(20)) * time.Second)
			s, sum := w.Score(who), 0
			for _, why := range s.Why {
				sum += why.Points
				if why.Count <= why.Limit || why.Points <= 0 {
					t.Fatalf("seed %d: %+v explains nothing", seed, why)
				}
				if why.Rule == "allocations" && why.Count > did[who.Key] {
					t.Fatalf("seed %d: counts %d of %d", seed, why.Count, did[who.Key])
				}
			}
			if sum != s.Points {
				t.Fatalf("seed %d: %d points, %d explained", seed, s.Points, sum)
			}
		}
		if s := w.Score(Who{Key: "key_new"}); s.Points != 0 {
			t.Fatalf("seed %d: a key that did nothing has %+v", seed, s)
		}
	}
}

func BenchmarkAllocate(b *testing.B) {
	rows, _ := StandardDestinations()
	g := benchGuard(b, &Rules{Destinations: NewDestinations(rows), Score: ScoreConfig{Allocations: 1 << 30, Neighbours: 1 << 30, Countries: 1 << 30, Throttle: 1 << 20}})
	a := &Allocation{Parties: []Party{{Number: e164.MustParse("+447700900123")}, {Number: e164.MustParse("+447700900999")}}}
	b.ReportAllocs()
	for b.Loop() {
		settle, err := g.Allocate(b.Context(), Who{Key: "key_a", Tenant: "shop"}, a)
		if err != nil {
			b.Fatal(err)
		}
		settle(1)
	}
}
