//go:build peers

package smppload

import (
	"fmt"
	"strings"
	"testing"

	"maskline/testbench/process"
)

// edgeText has a carrier to which nothing is routed, one to which everything is,
// and two accounts.
const edgeText = `node: load
data_dir: ./data
api: {listen: "127.0.0.1:0"}
tenants: [{name: shop}]
smpp:
  listen: [{addr: "%s"}]
  accounts:
    - {system_id: shop, password: load, tenant: shop, window: 1000}
    - {system_id: desk, password: load, tenant: shop, window: 1000}
carriers:
  - {name: in, priority: 10, prefixes: ["999"], smpp: [{addr: "%s", system_id: m, window: 100, sessions: 2}]}
  - {name: out, priority: 10, smpp: [{addr: "%s", system_id: m, window: 100, sessions: 4}]}
`

// Through the release binary in every direction, with long messages too: all
// arrive, masked, in order, once, and with their receipts.
func TestThroughAnEdge(t *testing.T) {
	listen, in, out := freeAddr(t), freeAddr(t), freeAddr(t)
	binary, err := process.Binary(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := process.Start(t.Context(), process.Config{Binary: binary, Dir: t.TempDir(), Text: fmt.Sprintf(edgeText, listen, in, out)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Kill(); err != nil {
			t.Error(err)
		}
	})
	toCarrier, toAccount := Generate(500), Generate(500, 1)
	var csv strings.Builder
	for plan, account := range map[*Plan]string{toCarrier: "", toAccount: "desk"} {
		csv.Reset()
		if err := plan.WriteCSV(&csv, "shop", account); err != nil {
			t.Fatal(err)
		}
		if err := e.Import(t.Context(), csv.String()); err != nil {
			t.Fatal(err)
		}
	}
	shop := Side{Role: ESME, Addr: listen, SystemID: "shop", Password: "load", Binds: 2}
	desk := []Side{{Role: ESME, Addr: listen, SystemID: "desk", Password: "load", Binds: 2}}
	carrier, carriers := Side{Role: SMSC, Addr: in, Binds: 2}, []Side{{Role: SMSC, Addr: out, Binds: 4}}
	cases := []struct {
		name string
		in   Side
		outs []Side
	}{
		{"carrier to carrier", carrier, carriers},
		{"carrier to account", carrier, desk},
		{"account to carrier", shop, carriers},
		{"account to account", shop, desk},
	}
	for _, c := range cases {
		for _, parts := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d parts", c.name, parts), func(t *testing.T) {
				through(t, Config{In: c.in, Outs: c.outs, Parts: parts, Plan: planFor(c.outs, toCarrier, toAccount)})
			})
		}
	}
}

// planFor is the bindings that lead to a receiving end; those to an account are
// delivered to the mask.
func planFor(outs []Side, toCarrier, toAccount *Plan) *Plan {
	if outs[0].Role == SMSC {
		return toCarrier
	}
	p := &Plan{bindings: append([]binding(nil), toAccount.bindings...)}
	for i := range p.bindings {
		p.bindings[i].to = p.bindings[i].mask
	}
	return p
}

func through(t *testing.T, cfg Config) {
	t.Helper()
	const messages = 2000
	cfg.Messages, cfg.Window, cfg.Receipts = messages, 40, cfg.In.Role == ESME
	b, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sent := uint64(messages * cfg.Parts)
	if r.Accepted != sent || r.Taken != sent || r.Duplicated+r.PartsReordered+r.PartsSplit > 0 || len(r.Faulty()) > 0 {
		t.Errorf("%+v", r)
	}
	if cfg.Receipts && (r.Receipts != sent || r.ReceiptsUnpaired > 0) {
		t.Errorf("%+v", r)
	}
}
