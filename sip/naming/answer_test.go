package naming

import (
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// FuzzAnswer reads what a server may send: it neither panics nor gives more than the
// bounds, and what is used has the shape of a name and a lifetime.
func FuzzAnswer(f *testing.F) {
	kinds := []dnsmessage.Type{typeNAPTR, dnsmessage.TypeSRV, dnsmessage.TypeA, dnsmessage.TypeAAAA}
	for i, kind := range kinds {
		q, err := newQuestion("alfa.example", kind)
		if err != nil {
			f.Fatal(err)
		}
		query := dnsmessage.Message{Questions: []dnsmessage.Question{q.Question}}
		m := respond(query, cname("alfa.example.", "b.example.", 60), a("b.example.", "192.0.2.1", 60), aaaa("b.example.", "2001:db8::1", 60),
			srv("b.example.", "a.example.", 5060, 1, 2, 60), naptr("b.example.", goodNAPTR, 60))
		f.Add(uint8(i), pack(m))
		m.Answers, m.Authorities, m.RCode = nil, []dnsmessage.Resource{soa("example.", 30, 20)}, dnsmessage.RCodeNameError
		f.Add(uint8(i), pack(m))
	}
	f.Fuzz(func(t *testing.T, kind uint8, msg []byte) {
		q, err := newQuestion("alfa.example", kinds[int(kind)%len(kinds)])
		if err != nil {
			t.Fatal(err)
		}
		q.isFor(msg, 0)
		answer, err := q.read(msg)
		if err != nil {
			return
		}
		if len(answer.records) > mostRecords {
			t.Fatalf("%d records", len(answer.records))
		}
		found, _, _, ttl := answer.follow(q)
		if ttl < 0 || ttl > mostLife {
			t.Fatalf("a life of %s", ttl)
		}
		for _, r := range found {
			if r.usable && q.Type == dnsmessage.TypeSRV && r.srv.Target != "." && !isHostName(r.srv.Target) {
				t.Fatal("a target that is no name")
			}
			if r.usable && q.Type == typeNAPTR && !isHostName(r.naptr.Replacement) {
				t.Fatal("a replacement that is no name")
			}
		}
	})
}

// BenchmarkRead reads an answer of four addresses.
func BenchmarkRead(b *testing.B) {
	q, err := newQuestion("alfa.example", dnsmessage.TypeA)
	if err != nil {
		b.Fatal(err)
	}
	msg := pack(respond(dnsmessage.Message{Questions: []dnsmessage.Question{q.Question}},
		a("alfa.example.", "192.0.2.1", 60), a("alfa.example.", "192.0.2.2", 60), a("alfa.example.", "192.0.2.3", 60), a("alfa.example.", "192.0.2.4", 60)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := q.read(msg); err != nil || len(got.records) != 4 {
			b.Fatal(err)
		}
	}
}

// TestWorstAnswer bounds what the most records that fit cost: none is kept beyond
// the bound.
func TestWorstAnswer(t *testing.T) {
	q, err := newQuestion("a", dnsmessage.TypeA)
	if err != nil {
		t.Fatal(err)
	}
	m := respond(dnsmessage.Message{Questions: []dnsmessage.Question{q.Question}})
	for range 1000 {
		m.Answers = append(m.Answers, a("a.", "192.0.2.1", 60))
	}
	got, err := q.read(pack(m))
	if err != nil || len(got.records) != mostRecords {
		t.Fatalf("%v", err)
	}
	if _, _, _, ttl := got.follow(q); ttl != time.Minute {
		t.Errorf("%s", ttl)
	}
}
