//go:build peers

package sip

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/numberdb/sqlite"
	"maskline/routing"
	"maskline/seal"
	"maskline/testbench/leak"
)

var carol = e164.MustParse("447700900003") // another stranger, of Alice's carrier

// lease is a bed on a store of its own, with a pool of three masks of which Bob has
// leased one. Strangers are behind the carrier "origin", Bob behind "alfa".
type lease struct {
	*bed
	owner  *sessions.Owner
	public e164.Number
}

func newLease(t *testing.T) *lease {
	t.Helper()
	l := &lease{}
	l.bed = newBedBy(t, nil, func(b *bed) *routing.Router {
		l.bed = b
		return l.route()
	})
	if err := l.owner.PutPools(t.Context(), []numberdb.Pool{{Name: "uk"}}); err != nil {
		t.Fatal(err)
	}
	var masks []numberdb.Mask
	for _, n := range []string{"441110000001", "441110000002", "441110000003"} {
		masks = append(masks, numberdb.Mask{Number: e164.MustParse(n), Pool: "uk", Services: numberdb.SMS | numberdb.Voice})
	}
	if err := l.owner.PutMasks(t.Context(), masks, "import", "test"); err != nil {
		t.Fatal(err)
	}
	s, err := l.owner.Create(t.Context(), &sessions.Request{
		Pool: "uk", Shape: numberdb.Lease, Sides: []sessions.Side{{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: bob}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.public = s.Participants[0].Dial
	l.bravo.release()
	return l
}

// route is routing by the table that the store's feed fills.
func (l *lease) route() *routing.Router {
	t := l.t
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Keys: seal.Generate().Wrapper()})
	if err != nil {
		t.Fatal(err)
	}
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(store, table, numberdb.SyncConfig{}, zap.NewNop(), l.reg)
	if err != nil {
		t.Fatal(err)
	}
	if l.owner, err = sessions.New(sessions.Config{}, store, syncer, table, time.Now, zap.NewNop(), l.reg); err != nil {
		t.Fatal(err)
	}
	syncer.Observe(l.owner.Observer())
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{syncer.Run, l.owner.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	router, err := routing.New(table, routing.Config{Slots: l.owner, Carriers: []routing.CarrierConfig{
		{Name: "origin", Prefixes: []string{alice.Reveal()[1:]}, Services: routing.Voice},
		{Name: "alfa", Prefixes: []string{bob.Reveal()[1:]}, Services: routing.Voice},
		{Name: "bravo", Prefixes: []string{"999"}, Services: routing.Voice},
	}}, l.reg)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// speak has one side call and the other one answer, and searches what both were sent.
// It returns whom the called side sees.
func (l *lease) speak(caller string, from *port, own, dials e164.Number, to *port, other e164.Number) (shown e164.Number) {
	l.t.Helper()
	callee := start(l.t, run{scenario: "callee_answers", port: to, number: other}, "")
	phone := start(l.t, run{scenario: caller, port: from, number: own, dials: dials}, l.addr.String())
	phone.wait()
	callee.wait()
	phone.hides(other)
	got := callee.hides(own)
	m := regexp.MustCompile(`(?m)^From: .*<sip:\+?(\d+)@`).FindSubmatch(got)
	if m == nil {
		l.t.Fatalf("the called side sees nobody\n%s", tail(got))
	}
	return e164.MustParse(string(m[1]))
}

// TestStrangerAndOwnerOfALease has a stranger call a leased number, and its owner call
// back the number that he saw.
func TestStrangerAndOwnerOfALease(t *testing.T) {
	l := newLease(t)
	const calls = "caller_hangs_up"
	slot := l.speak(calls, l.caller, alice, l.public, l.alfa, bob)
	if slot == l.public || slot == alice || slot == bob {
		t.Fatal("the owner does not see a number by which he can call back")
	}
	for range 2 {
		if seen := l.speak(calls, l.alfa, bob, slot, l.caller, alice); seen != l.public {
			t.Error("the stranger does not see the number that he called")
		}
		if again := l.speak(calls, l.caller, alice, l.public, l.alfa, bob); again != slot {
			t.Error("the second call comes from another number")
		}
	}
	if n := l.count("maskline_sessions_slots_total", "outcome", "opened"); n != 1 {
		t.Errorf("%v slots for one stranger", n)
	}

	nobody := inline(t, "withheld", strings.ReplaceAll(dials("Privacy: id"), `From: "[real]" <sip:[real]@home.example>`, `From: "Anonymous" <sip:anonymous@anonymous.invalid>`),
		gets("100", "optional"), gets("180", "optional"), gets("200"), asks("", "ACK", 1, noBody), waits(100), asks(`retrans="500"`, "BYE", 2, noBody), gets("200"))
	if seen := l.speak(nobody, l.caller, alice, l.public, l.alfa, bob); seen != l.public {
		t.Error("a withheld caller is not shown as the public mask")
	}

	if seen := l.speak(calls, l.caller, carol, l.public, l.alfa, bob); seen == slot || seen == l.public {
		t.Error("two strangers look alike")
	}
	dave := e164.MustParse("447700900004")
	none := start(t, run{
		scenario: inline(t, "no slot is left", dials(), gets("100", "optional"), gets("480", "Reason: Q.850;cause=41"), asks("", "ACK", 1, noBody)),
		port:     l.caller, number: dave, dials: l.public,
	}, l.addr.String())
	none.wait()
	none.hides(bob)

	eventually(t, "all calls are over", func() bool { return len(l.edge.Calls()) == 0 })
	if a, r := l.media.allocated.Load(), l.media.released.Load(); a != r || a != 7 {
		t.Errorf("media: %d allocated, %d released", a, r)
	}
	for name, text := range map[string][]byte{"log": l.log.bytes(), "metrics": manyDecimals.ReplaceAll([]byte(l.metrics()), []byte("$1"))} {
		for _, f := range leak.NewScanner(alice, bob, carol, dave, l.public, slot).Find(text) {
			t.Errorf("the %s shows %v", name, f)
		}
	}
}
