package routing

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// meter has one tenant that may spend nothing more, and keeps what was counted.
type meter struct {
	exhausted string
	sent      []uint64
}

func (m *meter) Exhausted(tenant string, _ time.Time) bool { return m.exhausted == tenant }

func (m *meter) Sent(_ string, cost uint64, _ time.Time) { m.sent = append(m.sent, cost) }

func (*meter) Talked(string, uint64, time.Duration, time.Time) {}

// What goes through a carrier costs what its longest prefix for the destination says,
// also where the binding names the carriers; what goes to an account costs nothing.
func TestCostOfCandidates(t *testing.T) {
	m := &meter{exhausted: "nobody"}
	r := newRouter(t, func(cfg *Config) { cfg.Usage = m })
	for name, c := range map[string]struct {
		to   string
		want map[string]uint64
	}{
		"by prefix":            {maskA, map[string]uint64{"mobile": 0, "alfa": 3_000_000, "bravo": 2_000_000, "everything": 0}},
		"named by the binding": {maskNamed, map[string]uint64{"alfa": 3_000_000, "cheap": 0}},
	} {
		var plan Plan
		r.Decide(request(SMS, Origin{Carrier: "alfa"}, alice, c.to), &plan)
		got := map[string]uint64{}
		for i := range plan.Carriers() {
			got[plan.Carrier(i).Name] = plan.Cost(i)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		m.sent = nil
		r.Delivered(&plan, 1, 42, noon)
		r.Delivered(&plan, -1, 42, noon)
		r.Delivered(&plan, plan.Carriers(), 42, noon)
		if diff := cmp.Diff([]uint64{plan.Cost(1), 0, 0}, m.sent); diff != "" {
			t.Errorf("%s: counted %s", name, diff)
		}
	}
}

// A tenant that has spent what it may gets nothing more through carriers; its own
// accounts, and emergency calls, are reached all the same.
func TestATenantThatMaySpendNothing(t *testing.T) {
	m := &meter{}
	r := newRouter(t, func(cfg *Config) { cfg.Usage = m })
	for name, c := range map[string]struct {
		req       *Request
		exhausted string
		want      Verdict
	}{
		"a message":            {request(SMS, Origin{Carrier: "alfa"}, alice, maskA), "shop", SpendLimit},
		"a call":               {request(Voice, Origin{Carrier: "alfa"}, alice, maskA), "shop", SpendLimit},
		"another tenant":       {request(Voice, Origin{Carrier: "alfa"}, alice, maskA), "other", Forward},
		"an account":           {request(SMS, Origin{Carrier: "alfa"}, carol, maskShop), "shop", Forward},
		"from its own account": {request(SMS, Origin{Tenant: "shop"}, maskShop, carol), "shop", SpendLimit},
		"an emergency call":    {request(Voice, Origin{Tenant: "shop"}, maskA, "112"), "shop", Forward},
		"who is not let in":    {request(SMS, Origin{Carrier: "alfa"}, carol, maskA), "shop", OutOfSession},
	} {
		m.exhausted = c.exhausted
		var plan Plan
		r.Decide(c.req, &plan)
		if plan.Verdict != c.want || plan.Verdict == SpendLimit && !plan.Verdict.Temporary() {
			t.Errorf("%s: %v, want %v", name, plan.Verdict, c.want)
		}
	}
}
