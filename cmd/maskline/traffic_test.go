package main

import (
	"strconv"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/smpp/pdu"
)

// people make a session of an edge with two simulated carriers.
func people(t *testing.T, r *sessions.Request, numbers ...string) (*carriers, numberdb.Session) {
	t.Helper()
	c := startCarriers(t, "any")
	c.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	r.Tenant, r.Pool = "shop", "uk"
	for _, n := range numbers {
		r.Sides = append(r.Sides, sessions.Side{Number: e164.MustParse(n)})
	}
	s, err := c.sessions.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// reach sends a text to a mask and expects it at whoever is behind it.
func (c *carriers) reach(from, mask e164.Number, line string, reader e164.Number) (shown e164.Number) {
	c.t.Helper()
	if status := c.deliver("alfa", from, mask, line); status != pdu.ROK {
		c.t.Fatalf("%s: %#x", line, uint32(status))
	}
	return c.took("alfa", reader, line)
}

func TestTwoPeopleWriteUntilTheirSessionEnds(t *testing.T) {
	c, s := people(t, &sessions.Request{}, "+447700900101", "+447700900202")
	a, b := s.Participants[0], s.Participants[1]
	if from := c.reach(a.Number, a.Dial, "one", b.Number); from != b.Dial {
		t.Error("the second one cannot answer by the number that it sees")
	}
	if from := c.reach(b.Number, b.Dial, "two", a.Number); from != a.Dial {
		t.Error("the first one does not see the number that it wrote to")
	}
	if status := c.deliver("alfa", e164.MustParse("+447700900303"), a.Dial, "x"); status == pdu.ROK {
		t.Error("a stranger gets through")
	}
	if _, err := c.sessions.End(t.Context(), numberdb.AnyTenant, s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	if status := c.deliver("alfa", a.Number, a.Dial, "late"); status == pdu.ROK {
		t.Error("a message after the end was taken")
	}
	if late := c.smsc["alfa"].TakeSubmitted(); len(late) > 0 {
		t.Errorf("%d messages were sent on after the end", len(late))
	}
}

func TestASessionOfOneMessage(t *testing.T) {
	c, s := people(t, &sessions.Request{MaxUses: 1}, "+447700900101", "+447700900202")
	a, b := s.Participants[0], s.Participants[1]
	c.reach(a.Number, a.Dial, "one", b.Number)
	if status := c.deliver("alfa", b.Number, b.Dial, "two"); status == pdu.ROK {
		t.Error("the second message was taken")
	}
}

// A session ends by its time without anybody's doing.
func TestASessionEndsInTime(t *testing.T) {
	const ttl = 2 * time.Second
	c, s := people(t, &sessions.Request{TTL: ttl}, "+447700900101", "+447700900202")
	a, b := s.Participants[0], s.Participants[1]
	c.reach(a.Number, a.Dial, "in time", b.Number)
	asked := 0
	c.eventually("the session has ended", func() bool {
		asked++ // the same text again and again would be a loop
		sent := time.Now()
		status := c.deliver("alfa", a.Number, a.Dial, strconv.Itoa(asked))
		if status == pdu.ROK && sent.After(s.Expires) {
			t.Fatal("a message after the end was taken")
		}
		if status != pdu.ROK && time.Now().Before(s.Expires) {
			t.Fatal("a message before the end was refused")
		}
		return status != pdu.ROK
	})
}

// The members of a group write to one number.
func TestAGroupOfThree(t *testing.T) {
	c, s := people(t, &sessions.Request{Shape: numberdb.Group}, "+447700900101", "+447700900202", "+447700900303")
	for i, p := range s.Participants {
		if p.Dial != s.Participants[0].Dial {
			t.Fatal("the members dial different masks")
		}
		first := s.Participants[0]
		if i == 0 {
			first = s.Participants[1]
		}
		if from := c.reach(p.Number, p.Dial, "hello", first.Number); from != p.Dial {
			t.Error("a member does not see the group's number")
		}
	}
}
