package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/routing"
	"maskline/smpp/pdu"
	"maskline/testbench/smppsim"
)

// spendingConfig is an edge with a carrier of which each message costs 0.005, and one
// that goes elsewhere.
const spendingConfig = `
data_dir: data
tenants: [{name: shop, spend_day: %[1]s}, {name: taxi}]
api: {listen: "127.0.0.1:0"}
smpp:
  listen: [{addr: "127.0.0.1:0"}]
carriers:
  - {name: alfa, prefixes: ["44"], cost: 0.005, smpp: [{addr: "%[2]s", system_id: us, password: x, reconnect: {min: 10ms, max: 50ms, per_minute: 0}}]}
  - {name: bravo, prefixes: ["1"], cost: 0.005, smpp: [{addr: "%[2]s", system_id: us, password: x, reconnect: {min: 10ms, max: 50ms, per_minute: 0}}]}
`

// A tenant writes until it has spent what it may: nothing of it gets through from then
// on, in either direction, after a restart too, and another tenant's does. A higher
// limit lets it write again.
func TestATenantSpendsWhatItMay(t *testing.T) {
	smsc, err := smppsim.StartSMSC("alfa")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(smsc.Close)
	w := servedWith(t, fmt.Sprintf(spendingConfig, "0.02", smsc.Addr()))
	shop, taxi := w.as("shop", "integrator", "sessions:write", "messages:write", "usage:read", "events:read", "pii:read"), w.as("taxi", "integrator")
	up := func() {
		w.eventually("the carrier is up", func() bool { return w.router.Carrier("alfa").Up(routing.SMS) })
	}
	up()
	couple := func(of *web) (id, dial string) {
		g := of.ask(http.MethodPost, "/v1/sessions", `{"pool":"uk","participants":[{"number":"+447700900101"},{"number":"+447700900102"}]}`,
			"Content-Type", "application/json", "Idempotency-Key", "couple")
		if g.status != http.StatusCreated {
			t.Fatalf("%d %s", g.status, g.text)
		}
		return g.field("id"), g.body["participants"].([]any)[0].(map[string]any)["dial"].(string)
	}
	session, dial := couple(shop)
	write := func(of *web, session string, i int) reply {
		return of.ask(http.MethodPost, "/v1/sessions/"+session+"/messages", fmt.Sprintf(`{"from":"+447700900101","text":"no. %d"}`, i),
			"Content-Type", "application/json", "Idempotency-Key", fmt.Sprint("write ", i))
	}
	for i := range 4 {
		if g := write(shop, session, i); g.status != http.StatusCreated {
			t.Fatalf("message %d: %d %s", i, g.status, g.text)
		}
	}
	refused := func(i int) {
		t.Helper()
		g := write(shop, session, i)
		if g.status != http.StatusTooManyRequests || g.field("code") != "quota-exceeded" || g.field("reason") != "spend" || g.header.Get("Retry-After") == "" {
			t.Fatalf("beyond the limit: %d %s", g.status, g.text)
		}
	}
	refused(4)
	if status, err := smsc.Deliver(t.Context(), "447700900101", strings.TrimPrefix(dial, "+"), "from outside"); err != nil || status != pdu.RxTAppn {
		t.Errorf("a carrier's message: %#x %v", uint32(status), err)
	}
	other, _ := couple(taxi)
	if g := write(taxi, other, 0); g.status != http.StatusCreated {
		t.Errorf("another tenant's: %d %s", g.status, g.text)
	}
	spent := func() string {
		g := shop.ask(http.MethodGet, "/v1/usage", "")
		days, _ := g.body["data"].([]any)
		if g.status != http.StatusOK || len(days) != 1 {
			return g.text
		}
		day, _ := days[0].(map[string]any)
		today, _ := g.body["today"].(map[string]any)
		return fmt.Sprintf("%v %v %v of %v %v", day["tenant"], day["messages"], day["cost"], today["limit"], today["spent"])
	}
	w.eventually("what was used is told", func() bool { return spent() == "shop 4 0.02 of 0.02 0.02" })
	w.eventually("the limit is told", func() bool {
		text := shop.ask(http.MethodGet, "/v1/events", "").text
		return strings.Count(text, `"quota.reached"`) == 1 && strings.Contains(text, `"percent":100`)
	})

	w.end()
	w.running = startEdge(t, w.c)
	w.url = w.running.url()
	shop.url, taxi.url = w.url, w.url
	up()
	w.eventually("what was spent before the restart is known", func() bool {
		return w.meter.Exhausted("shop", w.started)
	})
	refused(5)

	w.c.write("edge.yaml", fmt.Sprintf(spendingConfig, "1", smsc.Addr()))
	if out := w.c.at("reload"); !strings.Contains(out, "applied: tenants[shop].spend_day") {
		t.Errorf("reload says %q", out)
	}
	if g := write(shop, session, 6); g.status != http.StatusCreated {
		t.Errorf("below the new limit: %d %s", g.status, g.text)
	}
	if n := len(smsc.TakeSubmitted()); n != 6 {
		t.Errorf("the carrier has %d messages", n)
	}
	if plan := decided(w, dial); plan.Cost(0) != 5000 || plan.Cost(1) != 0 {
		t.Errorf("a message costs %d", plan.Cost(0))
	}
}

func decided(w *web, dial string) (plan routing.Plan) {
	mask := e164.MustParse(dial)
	w.router.Decide(&routing.Request{
		Service: routing.SMS, Origin: &routing.Origin{Carrier: "alfa"}, Dialled: []byte(dial[1:]), To: mask, From: e164.MustParse("+447700900101"), Now: w.started,
	}, &plan)
	return plan
}
