package sessions

import (
	"slices"
	"sync"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/await"
)

func TestMasksAreShownAsTheyAre(t *testing.T) {
	var s shown
	if s.mask(mask(1)) != nil {
		t.Fatal("a mask of nobody's is known")
	}
	s.change([]numberdb.Mask{{Number: mask(1), Pool: "uk"}, {Number: mask(2)}}, nil)
	before := s.mask(mask(1))
	s.change([]numberdb.Mask{{Number: mask(1), Pool: "uk", State: numberdb.Held}}, nil)
	if m := s.mask(mask(1)); m.State != numberdb.Held || m.Pool != "uk" || before.State != numberdb.Free {
		t.Errorf("%v after %v", m.State, before.State)
	}
	s.change([]numberdb.Mask{{Number: mask(3)}}, []e164.Number{mask(2)})
	if s.mask(mask(1)) == nil || s.mask(mask(2)) != nil || s.mask(mask(3)) == nil {
		t.Error("what stays has gone, or what has gone stays")
	}
}

// Readers beside a writer see one mask or the other, whole.
func TestMasksAreReadBesideAWriter(t *testing.T) {
	var s shown
	s.change([]numberdb.Mask{{Number: mask(0), Pool: "uk", Carrier: "uk"}}, nil)
	var reading sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if m := s.mask(mask(0)); m == nil || m.Pool != m.Carrier {
					t.Error("a mask is missing, or is half another")
					return
				}
			}
		})
	}
	for i := range 2000 {
		name := []string{"uk", "fr"}[i%2]
		s.change([]numberdb.Mask{{Number: mask(0), Pool: name, Carrier: name}, {Number: mask(1 + i%50)}}, []e164.Number{mask(1 + (i+25)%50)})
	}
	close(done)
	reading.Wait()
}

// Who lists masks keeps nobody waiting, and waits for nobody who changes them.
func TestMasksAreListedBesideAChange(t *testing.T) {
	o := &Owner{}
	o.shown.change([]numberdb.Mask{{Number: mask(3), Pool: "uk"}, {Number: mask(1), Pool: "uk"}, {Number: mask(2), Pool: "fr"}}, nil)
	o.stock.Lock()
	defer o.stock.Unlock()
	listed := make(chan []numberdb.Mask, 2)
	go func() {
		listed <- o.Masks("uk")
		listed <- o.Masks("*")
	}()
	for _, want := range [][]e164.Number{{mask(1), mask(3)}, {mask(1), mask(2), mask(3)}} {
		var got []e164.Number
		for _, m := range await.From(t, storetest.Deadline, "a list of masks", listed) {
			got = append(got, m.Number)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d masks, or in another order", len(got))
		}
	}
}

// BenchmarkMask is what routing pays for each message where a carrier presents
// only some masks.
func BenchmarkMask(b *testing.B) {
	const masks = 50_000
	var list []numberdb.Mask
	for i := range masks {
		list = append(list, numberdb.Mask{Number: mask(i), Pool: "uk", Carrier: "alfa"})
	}
	o := &Owner{}
	o.shown.change(list, nil)
	b.ReportAllocs()
	at := 0
	for b.Loop() {
		if m, known := o.Mask(list[at].Number); !known || m.Carrier != "alfa" {
			b.Fatal("unknown")
		}
		at = (at + 7919) % masks
	}
}
