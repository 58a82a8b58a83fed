package sip

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/routing"
)

// orderBed orders calls: the first side is reached by out0, the second by out1, and
// each by the other's trunk if its own refuses.
type orderBed struct {
	*bed
	first, second *peer
	id            uint64

	announce Announcement // where nobody can be reached

	mu   sync.Mutex
	news []OrderNews
}

func newOrderBed(t *testing.T, change func(*Config)) *orderBed {
	t.Helper()
	b := &orderBed{}
	b.bed = newBed(t, change, func(e *Edge) { e.decide = b.decide })
	b.first, b.second = b.callees[0], b.callees[1]
	return b
}

// decide takes the caller for the first side's request.
func (b *orderBed) decide(req *routing.Request) evRouted {
	ev := evRouted{present: simMaskA, to: simAlice, mask: simMaskB, tenant: "shop", otherwise: refusal{503, causeNoCircuit, "no_carrier"}, announce: b.announce}
	names := []string{"out0", "pbx"}
	if req.From == simAlice {
		ev.present, ev.to, ev.mask = simMaskB, simBob, simMaskA
		names = []string{"out1", "pbx"}
	}
	for _, name := range names {
		for _, t := range b.edge.set().list {
			if t.Name == name {
				ev.candidates = append(ev.candidates, candidate{carrier: b.router.Carrier("alfa"), trunk: t})
			}
		}
	}
	return ev
}

func (b *orderBed) order() {
	b.t.Helper()
	origin := &routing.Origin{Tenant: "shop", Writes: routing.WritesFor}
	var err error
	b.id, err = b.edge.Order(&Order{
		ID: "cal_1", First: routing.Request{Origin: origin, From: simBob, To: simMaskB}, Second: routing.Request{Origin: origin, From: simAlice, To: simMaskA},
		Tell: func(n OrderNews) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.news = append(b.news, n)
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// told is what the one who ordered has heard so far.
func (b *orderBed) told() (kinds []OrderKind, last OrderNews) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.news {
		kinds = append(kinds, n.Kind)
		last = n
	}
	return kinds, last
}

// over waits for the end and its reason.
func (b *orderBed) over(reason string, code int, side Side) {
	b.t.Helper()
	var last OrderNews
	eventually(b.t, "the end is told", func() bool {
		_, last = b.told()
		return last.Kind == OrderEnded
	})
	if last.Reason != reason || last.Code != code || last.Side != side {
		b.t.Errorf("it ended with %s %d, side %v; expected %s %d, side %v", last.Reason, last.Code, last.Side, reason, code, side)
	}
	eventually(b.t, "nothing is left", func() bool {
		allocated, released := b.media.counts()
		return allocated == released && b.count("channels") == 0 && b.edge.ActiveCalls() == 0
	})
	if got := b.count("ordered_calls_total", "why", reason); got != 1 {
		b.t.Errorf("%v calls are counted", got)
	}
}

// answered has a side answer the INVITE that comes.
func (b *orderBed) answered(p *peer) (invite string) {
	b.t.Helper()
	invite = p.expect("INVITE ")
	p.send(p.reply(invite, 180, ""))
	p.send(p.reply(invite, 200, p.sdp()))
	p.expect("ACK ")
	return invite
}

func (b *orderBed) connected() (toFirst, toSecond string) {
	b.t.Helper()
	b.order()
	toFirst = b.answered(b.first)
	toSecond = b.answered(b.second)
	eventually(b.t, "it is connected", func() bool { _, last := b.told(); return last.Kind == OrderConnected })
	return toFirst, toSecond
}

func TestOrderedCall(t *testing.T) {
	records := &keptRecords{}
	b := newOrderBed(t, func(c *Config) { c.Records = records })
	b.order()
	toFirst := b.first.expect("INVITE ")
	b.first.send(b.first.reply(toFirst, 180, ""))
	b.second.silence() // nobody is called before the first has answered
	ok := b.first.reply(toFirst, 200, b.first.sdp())
	b.first.send(ok)
	b.first.expect("ACK ")
	eventually(t, "the first side hears ringing", func() bool { p, _ := b.media.heard(SideA); return p.Name == promptRingback })
	b.first.send(ok) // our ACK was lost
	b.first.expect("ACK ")
	toSecond := b.second.expect("INVITE ")
	b.second.send(b.second.reply(toSecond, 180, ""))
	b.second.send(b.second.reply(toSecond, 200, b.second.sdp()))
	b.second.expect("ACK ")
	eventually(t, "it is connected", func() bool { _, last := b.told(); return last.Kind == OrderConnected })
	if p, apart := b.media.heard(SideA); p.Name != "" || apart {
		t.Errorf("connected, the first side hears %q", p.Name)
	}
	for name, x := range map[string]struct {
		invite, shows string
		never         []string
	}{
		"first":  {toFirst, simMaskA.Reveal(), []string{simBob.Reveal(), simMaskB.Reveal()}},
		"second": {toSecond, simMaskB.Reveal(), []string{simAlice.Reveal(), simMaskA.Reveal()}},
	} {
		if !strings.Contains(header(x.invite, "From"), x.shows) {
			t.Errorf("the %s side does not see its mask: %s", name, header(x.invite, "From"))
		}
		for _, number := range x.never {
			if strings.Contains(x.invite, number) {
				t.Errorf("the %s side gets a number of the other one", name)
			}
		}
	}
	if !strings.Contains(toFirst, "m=audio 20000 RTP/AVP 8 0 101\r\n") || !strings.Contains(toSecond, "m=audio 20002 RTP/AVP 8\r\n") {
		t.Errorf("offered were\n%s\n%s", toFirst, toSecond)
	}
	b.first.send(b.first.toDialog("BYE", toFirst, 1))
	b.first.expect("SIP/2.0 200")
	bye := b.second.expect("BYE ")
	b.second.send(b.second.reply(bye, 200, ""))
	b.over("caller", 200, SideB)
	if kinds, _ := b.told(); !slices.Equal(kinds, []OrderKind{OrderRinging, OrderAnswered, OrderConnected, OrderEnded}) {
		t.Errorf("told: %v", kinds)
	}
	r := records.only(t)
	if r.Order != "cal_1" || r.From.Trunk != "out0" || r.To.Trunk != "out1" || r.Caller != simAlice || r.Called != simBob || r.Mask != simMaskA ||
		r.Presented != simMaskB || r.Tenant != "shop" || r.Answered.IsZero() || len(r.Attempts) != 2 || !r.Attempts[0].First || r.Attempts[1].First {
		t.Errorf("its record is %+v", r)
	}
}

type keptRecords struct {
	mu  sync.Mutex
	all []Record
}

func (k *keptRecords) Add(r *Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, *r)
}

func (k *keptRecords) Full() bool { return false }

func (k *keptRecords) only(t *testing.T) Record {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) != 1 {
		t.Fatalf("%d records", len(k.all))
	}
	return k.all[0]
}

// What both sides do in the call reaches the other one.
func TestWithinAnOrderedCall(t *testing.T) {
	b := newOrderBed(t, nil)
	toFirst, toSecond := b.connected()
	hold := func(p *peer) string { return p.sdp() + "a=sendonly\r\n" }
	for i, x := range []struct {
		name     string
		from, to *peer
		invite   string
	}{{"the first side", b.first, b.second, toFirst}, {"the second side", b.second, b.first, toSecond}} {
		offer := x.from.toDialog("INVITE", x.invite, i+1)
		head := strings.TrimSuffix(offer, "Content-Length: 0\r\n\r\n") + "Max-Forwards: 70\r\nContact: <sip:" + x.from.addr.String() + ">\r\n"
		x.from.send(withBody(head, hold(x.from)))
		again := x.to.expect("INVITE ")
		if !strings.Contains(again, "a=sendonly") {
			t.Errorf("hold by %s is passed on as\n%s", x.name, again)
		}
		x.to.send(x.to.reply(again, 200, x.to.sdp()+"a=recvonly\r\n"))
		x.to.expect("ACK ")
		x.from.expect("SIP/2.0 200")
		x.from.send(x.from.toDialog("ACK", x.invite, i+1))
	}
	b.second.send(b.second.toDialog("BYE", toSecond, 9))
	b.second.expect("SIP/2.0 200")
	bye := b.first.expect("BYE ")
	b.first.send(b.first.reply(bye, 200, ""))
	b.over("callee", 200, SideB)
}

func TestOrdersThatFail(t *testing.T) {
	for _, x := range []struct {
		name   string
		do     func(b *orderBed)
		reason string
		code   int
		side   Side
	}{
		{"the first side is busy", func(b *orderBed) {
			invite := b.first.expect("INVITE ")
			b.first.send(b.first.reply(invite, 486, ""))
			b.first.expect("ACK ")
			b.second.silence()
		}, "refused", 486, SideA},
		{"the second side is busy", func(b *orderBed) {
			b.answered(b.first)
			invite := b.second.expect("INVITE ")
			b.second.send(b.second.reply(invite, 486, ""))
			b.second.expect("ACK ")
			b.first.send(b.first.reply(b.first.expect("BYE "), 200, ""))
		}, "refused", 486, SideB},
		{"the first side hangs up while the second rings", func(b *orderBed) {
			toFirst := b.answered(b.first)
			toSecond := b.second.expect("INVITE ")
			b.second.send(b.second.reply(toSecond, 180, ""))
			b.first.send(b.first.toDialog("BYE", toFirst, 1))
			b.first.expect("SIP/2.0 200")
			cancel := b.second.expect("CANCEL ")
			b.second.send(b.second.reply(cancel, 200, ""))
			b.second.send(b.second.reply(toSecond, 487, ""))
			b.second.expect("ACK ")
		}, "cancelled", 487, SideB},
		{"taken back while the first side rings", func(b *orderBed) {
			invite := b.first.expect("INVITE ")
			b.first.send(b.first.reply(invite, 180, ""))
			eventually(b.t, "it rings", func() bool { _, last := b.told(); return last.Kind == OrderRinging && !last.At.IsZero() })
			b.edge.Release(b.id)
			cancel := b.first.expect("CANCEL ")
			b.first.send(b.first.reply(cancel, 200, ""))
			b.first.send(b.first.reply(invite, 487, ""))
			b.first.expect("ACK ")
		}, "released", 503, SideA},
		{"taken back while the second side rings", func(b *orderBed) {
			b.answered(b.first)
			invite := b.second.expect("INVITE ")
			b.second.send(b.second.reply(invite, 180, ""))
			b.edge.Release(b.id)
			b.first.send(b.first.reply(b.first.expect("BYE "), 200, ""))
			eventually(b.t, "the end is told", func() bool { _, last := b.told(); return last.Kind == OrderEnded })
		}, "released", 503, SideB},
		{"the first side answers with nothing that we speak", func(b *orderBed) {
			invite := b.first.expect("INVITE ")
			b.first.send(b.first.reply(invite, 200, strings.Replace(b.first.sdp(), "AVP 8 0", "AVP 18", 1)))
			b.first.expect("ACK ")
			b.first.send(b.first.reply(b.first.expect("BYE "), 200, ""))
		}, "bad_answer", 488, SideA},
		{"no ports", func(b *orderBed) {}, "no_media_ports", 503, SideA},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := newOrderBed(t, nil)
			if x.reason == "no_media_ports" {
				b.media.fill()
			}
			b.order()
			x.do(b)
			b.over(x.reason, x.code, x.side)
		})
	}
}

// Each side has its carriers in turn.
func TestOrdersFailOver(t *testing.T) {
	b := newOrderBed(t, func(c *Config) {
		i := slices.IndexFunc(c.Trunks, func(t TrunkConfig) bool { return t.Name == "pbx" })
		c.Trunks[i].Carrier, c.Trunks[i].Tenant = "alfa", ""
	})
	b.order()
	for _, p := range []*peer{b.first, b.second} {
		invite := p.expect("INVITE ")
		p.send(p.reply(invite, 503, ""))
		p.expect("ACK ")
		b.answered(b.tenant)
	}
	eventually(t, "it is connected", func() bool { _, last := b.told(); return last.Kind == OrderConnected })
	if got := b.count("failovers_total"); got != 2 {
		t.Errorf("%v failovers", got)
	}
	b.edge.Release(b.id)
	for range 2 {
		b.tenant.send(b.tenant.reply(b.tenant.expect("BYE "), 200, ""))
	}
	b.over("released", 200, SideB)
}

// Where the second side cannot be reached, the first hears why before it is hung up on.
func TestAnnouncementInAnOrderedCall(t *testing.T) {
	b := newOrderBed(t, nil)
	b.announce = Announcement{Prompt: "unreachable"}
	b.order()
	b.answered(b.first)
	for _, p := range []*peer{b.second, b.tenant} {
		invite := p.expect("INVITE ")
		p.send(p.reply(invite, 503, ""))
		p.expect("ACK ")
	}
	eventually(t, "the first side hears why", func() bool { p, _ := b.media.heard(SideA); return p.Name == "unreachable" && p.Times > 0 })
	b.first.silence()
	b.media.opts().OnPlayed(SideA)
	b.first.send(b.first.reply(b.first.expect("BYE "), 200, ""))
	b.over("refused", 503, SideB)
	if got := b.count("announcements_total", "announcement", "unreachable", "outcome", "played"); got != 1 {
		t.Errorf("%v announcements are counted", got)
	}
}

// What the second side's network says takes the place of our ringing.
func TestEarlyMediaInAnOrderedCall(t *testing.T) {
	b := newOrderBed(t, nil)
	b.order()
	b.answered(b.first)
	invite := b.second.expect("INVITE ")
	if strings.Contains(header(invite, "Supported"), "100rel") {
		t.Error("100rel is offered")
	}
	b.second.send(b.second.reply(invite, 183, b.second.sdp()))
	eventually(t, "the ringing is over", func() bool { p, _ := b.media.heard(SideA); return p.Name == "" })
	b.second.send(b.second.reply(invite, 200, b.second.sdp()))
	b.second.expect("ACK ")
	eventually(t, "it is connected", func() bool { _, last := b.told(); return last.Kind == OrderConnected })
	if last := cmp.Or(b.edge.Calls()[0].State, ""); last != "up" {
		t.Errorf("it is %s", last)
	}
}

func TestNoOrdersWhileDraining(t *testing.T) {
	b := newBed(t, nil)
	b.edge.draining.Store(true)
	if _, err := b.edge.Order(&Order{}); err == nil {
		t.Error("a call was ordered")
	}
	if b.edge.Release(77) {
		t.Error("there was a call to be released")
	}
	b.edge.draining.Store(false)
}

// An order whose first side rings for too long.
func TestNobodyAnswersAnOrder(t *testing.T) {
	b := newOrderBed(t, nil)
	origin := &routing.Origin{Tenant: "shop", Writes: routing.WritesFor}
	ended := make(chan OrderNews, 8)
	_, err := b.edge.Order(&Order{
		First: routing.Request{Origin: origin, From: simBob, To: simMaskB}, Ring: 100 * time.Millisecond,
		Tell: func(n OrderNews) {
			if n.Kind == OrderEnded {
				ended <- n
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	invite := b.first.expect("INVITE ")
	b.first.send(b.first.reply(invite, 180, ""))
	b.first.expect("CANCEL ")
	if n := <-ended; n.Reason != "no_answer" || n.Side != SideA || n.Code != 480 {
		t.Errorf("it ended with %+v", n)
	}
}
