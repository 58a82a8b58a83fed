package message

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/e164"
	"maskline/routing"
)

// carrierOf keeps what it is to send, and says this of it.
type carrierOf struct {
	mu   sync.Mutex
	all  []routing.Origination
	says routing.Originated
}

func (c *carrierOf) Originate(m *routing.Origination, done func(routing.Originated)) {
	c.mu.Lock()
	c.all = append(c.all, *m)
	c.mu.Unlock()
	done(c.says)
}

func (c *carrierOf) sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

func repliesOver(t *testing.T, c *carrierOf) *Replies {
	t.Helper()
	time.Sleep(30 * 365 * 24 * time.Hour) // ids begin in 2020, the bubble's time before
	r, err := NewReplies(c, 10*time.Second, time.Now, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = r.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return r
}

func TestRepliesGoBackTheWayTheWordCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrierOf{says: routing.Originated{Carrier: "alfa"}}
		mask, party := e164.MustParse("+442079460011"), e164.MustParse("+447700900101")
		repliesOver(t, c).Reply(routing.Reply{Tenant: "shop", Carrier: "alfa", Mask: mask, Party: party, Word: routing.OptOut, Text: "Bye"})
		synctest.Wait()
		if c.sent() != 1 {
			t.Fatalf("%d were sent", c.sent())
		}
		m := &c.all[0]
		want := routing.Origin{Tenant: "shop", Carrier: "alfa", Writes: routing.WritesReply}
		if *m.Origin != want || m.From != mask || m.To != party || string(m.Text) != "Bye" || !m.AnswerBy.Equal(time.Now().Add(10*time.Second)) {
			t.Errorf("%+v", m)
		}
	})
}

// Whoever answers each answer gets a few in a day; others are not held back by that,
// and what is remembered is bounded.
func TestRepliesToAnAutomatonEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrierOf{}
		r := repliesOver(t, c)
		ask := func(party e164.Number, times int) (n int) {
			before := c.sent()
			for range times {
				r.Reply(routing.Reply{Carrier: "alfa", Mask: e164.MustParse("+442079460011"), Party: party, Word: routing.Help, Text: "x"})
				synctest.Wait()
			}
			return c.sent() - before
		}
		automaton, other := e164.MustParse("+447700900101"), e164.MustParse("+447700900102")
		if n := ask(automaton, 100); n != repliesEach {
			t.Errorf("%d answers to an automaton", n)
		}
		if n := ask(other, 1); n != 1 {
			t.Errorf("%d answers to another party", n)
		}
		time.Sleep(repliesDay)
		if n := ask(automaton, 100); n != repliesEach {
			t.Errorf("%d answers the day after", n)
		}
		for i := range e164.Number(repliesKnown + 10) {
			r.may(0, other+1000+i)
		}
		if n := len(r.of); n != repliesKnown {
			t.Errorf("%d parties are remembered", n)
		}
		if r.may(0, other) {
			t.Error("there is room for one more")
		}
		time.Sleep(repliesDay)
		if !r.may(0, other) || len(r.of) != 1 {
			t.Errorf("a day later %d are remembered", len(r.of))
		}
	})
}
