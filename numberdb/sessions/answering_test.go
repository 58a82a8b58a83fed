package sessions

import (
	"context"
	"errors"
	"testing"
	"time"

	"maskline/numberdb"
)

// An owner that is reached at an account or a peer answers from its own number, if it
// has one.
func TestSlotsOfOwnersWithoutATelephone(t *testing.T) {
	desk := numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx.example"}
	shop := numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}
	for _, c := range []struct {
		name    string
		side    Side
		answers bool
	}{
		{"a peer with a number", Side{To: desk, Number: driver}, true},
		{"a peer without", Side{To: desk}, false},
		{"an account with a number", Side{To: shop, Number: driver}, true},
		{"an account without", Side{To: shop}, false},
		{"a telephone", Side{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: driver}}, true},
		{"a telephone of another number", Side{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: driver}, Number: party(901)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, r := start(t, 2)
			s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Lease, Services: numberdb.SMS, Sides: []Side{c.side}})
			if got := r.Answers(s.ID); got != c.answers {
				t.Errorf("it answers: %v", got)
			}
			other := w.edge(t) // which has read the store only
			if err := other.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "another edge knows", func() bool { return other.Answers(s.ID) == c.answers })
			public := s.Participants[0].Dial
			err := r.Slot(t.Context(), s.ID, public, party(1))
			if !c.answers {
				if !errors.Is(err, ErrNoSlots) {
					t.Errorf("a slot: %v", err)
				}
				if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
					t.Fatal(err)
				}
				if !r.Answers(s.ID) {
					t.Error("it is remembered after its end")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			in, status := r.table.Lookup(public, party(1), time.Now())
			if status != numberdb.Exact || in.To != c.side.To {
				t.Fatalf("the caller's way in: %v", status)
			}
			back, status := r.table.Lookup(in.Present, driver, time.Now())
			if status != numberdb.Exact || back.To.Number != party(1) || back.Present != public {
				t.Fatalf("the owner's way back: %v", status)
			}
		})
	}
}

// Another edge's session is looked at when a stranger comes.
func TestAnOwnerThatIsNotKnownYet(t *testing.T) {
	_, r := start(t, 2)
	s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Open, Sides: []Side{{To: numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx.example"}}}})
	r.mute.Clear()
	if !r.Answers(s.ID) {
		t.Fatal("it is known")
	}
	opened := make(chan bool, 1)
	r.Open(s.ID, s.Participants[0].Dial, party(1), time.Now().Add(10*time.Second), func(ok bool) { opened <- ok })
	if <-opened || r.Answers(s.ID) {
		t.Error("it still counts as one that answers")
	}
}

// hanging is a store whose commits wait.
type hanging struct {
	Committed
	until chan struct{}
}

func (h hanging) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	<-h.until
	return h.Committed.Commit(ctx, w)
}

// Traffic is told in time, whatever the store does.
func TestOpenOnAStoreThatHangs(t *testing.T) {
	_, r := start(t, 3)
	s := r.lease(t)
	until := make(chan struct{})
	r.committer.store = hanging{r.committer.store, until}
	opened := make(chan bool, 1)
	r.Open(s.ID, s.Participants[0].Dial, party(1), time.Now().Add(50*time.Millisecond), func(ok bool) { opened <- ok })
	if <-opened {
		t.Error("a slot that is not stored")
	}
	close(until)
	eventually(t, "the next one is stored", func() bool { return r.Slot(t.Context(), s.ID, s.Participants[0].Dial, party(1)) == nil })
	r.meets(t, s.Participants[0].Dial, party(1))
}
