package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/routing"
	"maskline/sip"
	"maskline/testbench/exchange"
)

const orderConfig = `
data_dir: data
tenants: [{name: shop}, {name: outlet}]
api: {listen: "127.0.0.1:0"}
smpp: {listen: [{addr: "127.0.0.1:0"}]}
sip: {listen: [{addr: "udp://127.0.0.1:0"}]}
media: {addr: 127.0.0.1, ports: 22100-22299}
observe: {cdr: {dir: cdr}}
carriers:
  - {name: alfa, prefixes: ["44"], sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 0s}}]}
  - {name: bravo, prefixes: ["33"], sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 0s}}]}
  - {name: charlie, priority: 90, sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 0s}}]}
`

const parisBob = "+33612345678"

// orderBed is an edge whose carriers are phones with voices, one for each participant
// and one for both.
type orderBed struct {
	*outboundBed
	alfa, bravo, charlie *exchange.Exchange
}

func startOrders(t *testing.T) *orderBed {
	t.Helper()
	o := &orderBed{}
	for name, x := range map[string]**exchange.Exchange{"alfa": &o.alfa, "bravo": &o.bravo, "charlie": &o.charlie} {
		var err error
		if *x, err = exchange.Start(name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*x).Close)
	}
	c := newCLI(t)
	c.write("edge.yaml", fmt.Sprintf(orderConfig, o.alfa.Addr(), o.bravo.Addr(), o.charlie.Addr()))
	o.outboundBed = &outboundBed{carriers: &carriers{cli: c, running: startEdge(t, c)}}
	o.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	o.serve(o.url())
	o.eventually("the carriers are up", func() bool {
		return o.router.Carrier("alfa").Up(routing.Voice) && o.router.Carrier("bravo").Up(routing.Voice)
	})
	return o
}

// pair makes a session of Alice and of Bob in Paris.
func (o *orderBed) pair(services numberdb.Services) numberdb.Session {
	o.t.Helper()
	s, err := o.sessions.Create(o.t.Context(), &sessions.Request{
		Tenant: "shop", Pool: "uk", Services: services,
		Sides: []sessions.Side{{Number: e164.MustParse(outAlice)}, {Number: e164.MustParse(parisBob)}},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func callsOf(s *numberdb.Session) string {
	return "/v1/sessions/" + s.ID.Text(numberdb.SessionPrefix) + "/calls"
}

// call waits until a call is in a state.
func (o *orderBed) call(id, state string) reply {
	o.t.Helper()
	var s reply
	o.eventually("the call is "+state, func() bool {
		s = o.ask("shop", http.MethodGet, "/v1/calls/"+id, nil)
		return s.body["state"] == state
	})
	return s
}

// Two people are called, see masks, hear each other, and are hung up on; the record
// and the events tell of it.
func TestACallBetweenParticipants(t *testing.T) {
	o := startOrders(t)
	s := o.pair(0)
	made := o.ask("shop", http.MethodPost, callsOf(&s), words{}, "once")
	o.want(made, http.StatusCreated, "")
	if made.header.Get("Location") != "/v1/calls/"+made.field("id") || made.body["session"] != s.ID.Text(numberdb.SessionPrefix) {
		t.Errorf("it says %s", made.text)
	}
	again := o.ask("shop", http.MethodPost, callsOf(&s), words{}, "once")
	o.want(again, http.StatusCreated, "")
	if again.field("id") != made.field("id") || again.header.Get("Idempotent-Replayed") != "true" {
		t.Error("the same request has made another call")
	}
	o.call(made.field("id"), "connected")
	o.want(o.ask("shop", http.MethodPost, callsOf(&s), words{}), 409, problem.CapabilityUnavailable)
	o.eventually("both hear something", func() bool {
		return heardIn(o.alfa) && heardIn(o.bravo)
	})
	ended := o.ask("shop", http.MethodDelete, "/v1/calls/"+made.field("id"), nil)
	o.want(ended, http.StatusOK, "")
	got := o.call(made.field("id"), "ended")
	if got.body["outcome"] != "completed" || got.body["reason"] != "released" || got.body["connected_at"] == nil || got.body["leg"] != nil {
		t.Errorf("it says %s", got.text)
	}
	for name, x := range map[string]struct {
		at            *exchange.Exchange
		dialled, sees string
	}{
		"alice": {o.alfa, outAlice, s.Participants[0].Dial.Reveal()}, "bob": {o.bravo, parisBob, s.Participants[1].Dial.Reveal()},
	} {
		var calls []exchange.Call
		o.eventually(name+" was hung up on", func() bool {
			calls = append(calls, x.at.TakeAnswered()...)
			return len(calls) > 0
		})
		c := calls[0]
		if len(calls) != 1 || c.Dialled != x.dialled || c.Peer != x.sees || c.Received < 10 {
			t.Errorf("%s: %d calls, dialled %v, sees the mask %v, heard %d packets", name, len(calls), c.Dialled == x.dialled, c.Peer == x.sees, c.Received)
		}
	}
	o.eventually("the events are there", func() bool {
		return strings.Join(o.eventsOf(made.field("id")), " ") == "call.ringing first call.answered first call.answered second call.ended "
	})
	list := o.ask("shop", http.MethodGet, callsOf(&s), nil)
	if !strings.Contains(list.text, made.field("id")) {
		t.Errorf("the list is %s", list.text)
	}
	for _, path := range []string{"/v1/calls/" + made.field("id"), callsOf(&s)} {
		o.want(o.ask("outlet", http.MethodGet, path, nil), 404, problem.NotFound)
	}
	o.want(o.ask("outlet", http.MethodDelete, "/v1/calls/"+made.field("id"), nil), 404, problem.NotFound)
	o.want(o.ask("reader", http.MethodDelete, "/v1/calls/"+made.field("id"), nil), 403, problem.InsufficientScope)
	for _, number := range []string{outAlice[1:], parisBob[1:]} {
		if strings.Contains(o.text.String()+string(o.log.bytes()), number) {
			t.Error("a number of a participant is in an answer or in the log")
		}
	}
	o.stop()
	o.eventually("the edge has ended", func() bool { return len(o.ended) == 1 })
	records, err := filepath.Glob(filepath.Join(o.cli.path("cdr"), "*.jsonl"))
	if err != nil || len(records) != 1 {
		t.Fatalf("%d files of records: %v", len(records), err)
	}
	line, err := os.ReadFile(records[0])
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Order, Mask, Presented string
		From                   string `json:"from_trunk"`
		To                     string `json:"to_trunk"`
		Attempts               []struct{ Leg, Outcome string }
	}
	if err := json.Unmarshal(line, &record); err != nil || record.Order != made.field("id") || len(record.Attempts) != 2 || record.Attempts[0].Leg != "caller" ||
		record.Attempts[1].Leg != "" || record.From != "alfa" || record.To != "bravo" || record.Mask != s.Participants[0].Dial.Reveal() || record.Presented != s.Participants[1].Dial.Reveal() {
		t.Errorf("the record is %s: %v", line, err)
	}
}

// heardIn reports whether one phone of an exchange is in a call; packets are counted at
// its end.
func heardIn(x *exchange.Exchange) bool { return x.Hearing() > 10 }

// eventsOf are the events of a call, each with its leg.
func (o *orderBed) eventsOf(id string) (told []string) {
	found, err := o.store.Events(o.t.Context(), numberdb.EventQuery{Tenant: "shop"})
	if err != nil {
		o.t.Fatal(err)
	}
	for i := range found {
		var data struct {
			Call string `json:"call_id"`
			Leg  string
		}
		if json.Unmarshal(found[i].Data, &data) == nil && data.Call == id {
			told = append(told, found[i].Type, data.Leg)
		}
	}
	return told
}

// Bob is called first; who is called and how it ends.
func TestCallsThatDoNotConnect(t *testing.T) {
	o := startOrders(t)
	s := o.pair(0)
	for _, x := range []struct {
		name                 string
		alfa, bravo, charlie exchange.Mode
		body                 words
		outcome, leg         string
	}{
		{"the first is busy", exchange.Busy, exchange.Answer, exchange.Busy, nil, "busy", "first"},
		{"the second is busy", exchange.Answer, exchange.Busy, exchange.Busy, nil, "busy", "second"},
		{"Bob first", exchange.Answer, exchange.Busy, exchange.Busy, words{"first": parisBob}, "busy", "first"},
		{"no carrier takes the first", exchange.Unavailable, exchange.Answer, exchange.Unavailable, nil, "unreachable", "first"},
		{"no carrier takes the second", exchange.Answer, exchange.Unavailable, exchange.Unavailable, nil, "unreachable", "second"},
	} {
		o.alfa.SetMode(x.alfa)
		o.bravo.SetMode(x.bravo)
		o.charlie.SetMode(x.charlie)
		body := x.body
		if body == nil {
			body = words{}
		}
		made := o.ask("shop", http.MethodPost, callsOf(&s), body)
		o.want(made, http.StatusCreated, "")
		got := o.call(made.field("id"), "ended")
		if got.body["outcome"] != x.outcome || got.body["leg"] != x.leg || got.body["connected_at"] != nil {
			t.Errorf("%s: %s", x.name, got.text)
		}
		o.eventually(x.name+": it is told as missed", func() bool {
			told := o.eventsOf(made.field("id"))
			return len(told) > 1 && told[len(told)-2] == "call.missed"
		})
	}
}

// Each leg has its carriers in turn.
func TestACallFailsOver(t *testing.T) {
	o := startOrders(t)
	s := o.pair(0)
	o.alfa.SetMode(exchange.Unavailable)
	o.bravo.SetMode(exchange.Unavailable)
	made := o.ask("shop", http.MethodPost, callsOf(&s), words{})
	o.want(made, http.StatusCreated, "")
	o.call(made.field("id"), "connected")
	o.want(o.ask("shop", http.MethodDelete, "/v1/calls/"+made.field("id"), nil), http.StatusOK, "")
	o.call(made.field("id"), "ended")
	if n := len(o.charlie.Answered()); n != 2 {
		t.Errorf("the third carrier took %d calls", n)
	}
}

func TestCallsThatMayNotBe(t *testing.T) {
	o := startOrders(t)
	s, texts := o.pair(0), o.pair(numberdb.SMS)
	o.want(o.ask("shop", http.MethodPost, callsOf(&texts), words{}), 409, problem.CapabilityUnavailable)
	o.want(o.ask("shop", http.MethodPost, callsOf(&s), words{"first": outBob}), 422, problem.ValidationFailed)
	o.want(o.ask("shop", http.MethodPost, callsOf(&s), words{"first": "0770"}), 422, problem.InvalidNumber)
	o.want(o.ask("shop", http.MethodPost, callsOf(&s), words{"ring": 1}), 422, problem.ValidationFailed)
	o.want(o.ask("outlet", http.MethodPost, callsOf(&s), words{}), 404, problem.NotFound)
	o.want(o.ask("reader", http.MethodPost, callsOf(&s), words{}), 403, problem.InsufficientScope)
	o.want(o.ask("shop", http.MethodGet, "/v1/calls/cal_0000000000001", nil), 404, problem.NotFound)
	if err := o.restrict.Apply(t.Context(), []numberdb.RestrictionChange{{Restriction: numberdb.Restriction{
		Kind: numberdb.Block, Tenant: "shop", Party: e164.MustParse(parisBob), Since: time.Now(),
	}}}); err != nil {
		t.Fatal(err)
	}
	o.eventually("a block holds", func() bool {
		a := o.ask("shop", http.MethodPost, callsOf(&s), words{})
		return a.status == 409 && a.body["reason"] == "blocked"
	})
	if _, err := o.sessions.End(t.Context(), "shop", s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	o.want(o.ask("shop", http.MethodPost, callsOf(&s), words{}), 410, problem.SessionClosed)
	if n := len(o.alfa.Answered()) + len(o.bravo.Answered()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestOutcomesOfCalls(t *testing.T) {
	for _, x := range []struct {
		reason string
		code   int
		want   string
	}{
		{"caller", 200, "completed"},
		{"media_timeout", 200, "completed"},
		{"released", 503, "cancelled"},
		{"cancelled", 487, "cancelled"},
		{"no_answer", 480, "no_answer"},
		{"not_accepted", 480, "no_answer"},
		{"refused", 486, "busy"},
		{"refused", 600, "busy"},
		{"refused", 603, "declined"},
		{"refused", 404, "unreachable"},
		{"refused", 480, "no_answer"},
		{"timeout", 503, "unreachable"},
		{"no_carrier", 503, "unreachable"},
		{"blocked", 603, "refused"},
		{"ended", 404, "refused"},
		{"panic", 500, "failed"},
		{"no_media_ports", 503, "failed"},
	} {
		if got := outcomeOf(x.reason, x.code); got.String() != x.want {
			t.Errorf("%s %d is %s, not %s", x.reason, x.code, got, x.want)
		}
	}
	for kind, want := range map[sip.OrderKind]numberdb.CallState{
		sip.OrderRinging: numberdb.CallRinging, sip.OrderAnswered: numberdb.CallConnecting, sip.OrderConnected: numberdb.CallConnected, sip.OrderEnded: numberdb.CallEnded,
	} {
		if got := newsOf(&sip.OrderNews{Kind: kind, Side: sip.SideB}); got.State != want || got.Leg != numberdb.SecondLeg {
			t.Errorf("%d is %+v", kind, got)
		}
	}
}
