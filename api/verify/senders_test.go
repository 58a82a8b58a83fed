package verify

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

// stock is a pool whose masks may be leased.
type stock struct {
	masks  []e164.Number
	leased map[e164.Number]bool
	listed int
}

func (s *stock) Senders(_ string, mask e164.Number, _ string) (all []e164.Number) {
	if mask == 0 {
		s.listed++
	}
	for _, m := range s.masks {
		if (mask == 0 || m == mask) && !s.leased[m] {
			all = append(all, m)
		}
	}
	return all
}

func (s *stock) Emergency(string) bool                             { return false }
func (s *stock) Refuse(context.Context, string, e164.Number) error { return nil }
func (s *stock) Bound(e164.Number, e164.Number) bool               { return false }

// A pool is listed once in a while, and a mask that was leased since writes nothing.
func TestSendersOfAPool(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	numbers := &stock{leased: map[e164.Number]bool{}}
	for i := range e164.Number(10) {
		numbers.masks = append(numbers.masks, e164.MustParse("+442079460100")+i)
	}
	s := &Service{numbers: numbers, now: func() time.Time { return now }}
	w, to := &numberdb.Workflow{Tenant: "shop", Pool: "uk"}, e164.MustParse("+447700900101")
	first, err := s.sender(w, to)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if again, err := s.sender(w, to); again != first || err != nil {
			t.Fatalf("another mask, %v", err)
		}
	}
	if numbers.listed != 1 {
		t.Errorf("the pool was listed %d times", numbers.listed)
	}
	numbers.leased[first] = true
	second, err := s.sender(w, to)
	if second == first || err != nil || !slices.Contains(numbers.masks, second) {
		t.Errorf("a mask that was leased writes: %v, %v", second == first, err)
	}
	for _, m := range numbers.masks {
		numbers.leased[m] = true
	}
	now = now.Add(sendersFor)
	var p *problem.Error
	if _, err := s.sender(w, to); !errors.As(err, &p) || p.Code != problem.PoolExhausted {
		t.Errorf("an empty pool: %v", err)
	}
	for i := range 2 * sendersMost {
		_, _ = s.sender(&numberdb.Workflow{Tenant: "shop", Pool: time.Duration(i).String()}, to)
	}
	if n := len(s.senders.lists); n > sendersMost {
		t.Errorf("%d lists are remembered", n)
	}
}
