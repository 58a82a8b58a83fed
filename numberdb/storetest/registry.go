package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"maskline/e164"
	"maskline/numberdb"
)

// Registry is what each store offers beside bindings.
type Registry interface {
	numberdb.Store
	numberdb.Registry
	numberdb.InventoryWatch
	numberdb.TenantStore
	numberdb.AttemptStore
	numberdb.Purger
	numberdb.MessageStore
	numberdb.CallStore
	numberdb.VerificationStore
	numberdb.WorkflowStore
}

func openRegistry(t *testing.T, db Database) Registry {
	t.Helper()
	r, ok := open(t, db).(Registry)
	if !ok {
		t.Fatal("the store is no registry")
	}
	return r
}

// registryCases are the part of the contract that Registry is.
func registryCases() []contractCase {
	return []contractCase{
		{"pools and masks keep every field, over a restart too", inventoryKept},
		{"masks are shelved, and keep their states", statesKept},
		{"tenants", tenantsKept},
		{"the version grows with pools and masks alone", inventoryVersions},
		{"the inventory is read since a version", inventorySince},
		{"the inventory is followed beside writers", inventoryFollowed},
		{"a pool with masks stays, a mask's pool exists", poolsAndMasksFit},
		{"the history of a mask", historyTold},
		{"sessions of all shapes keep every field, over a restart too", sessionsKept},
		{"sessions are found", sessionsFound},
		{"sessions are read by their ids by many at a time", sessionsByID},
		{"the store is closed while sessions are read", closedWhileReading},
		{"a session changes and goes", sessionsChange},
		{"a session that was written since it was read is not overwritten", sessionsUnchanged},
		{"a new session takes no other one's place", newSessions},
		{"many change one session", sessionsChangedTogether},
		{"claims are told in the feed like other bindings", claimsTold},
		{"a conflict names what is taken and leaves nothing", conflictLeavesNothing},
		{"a claim takes the place of what is over", claimsOver},
		{"a claim takes the place of the same pair's ended session", claimsReplaced},
		{"an idempotency key is used once", attemptsOnce},
		{"writes that nobody may make", badWrites},
		{"a commit whose context has ended or ends", commitCancelled},
		{"committers whose claims cross", crossingClaims},
		{"purging deletes what is over and nothing else", purges},
		{"purging many", purgesMany},
		{"messages keep every field, over a restart too", messagesKept},
		{"messages are found", messagesFound},
		{"messages are reported", messagesReported},
		{"messages are purged", messagesPurged},
		{"a message is written once for its key", messagesOnce},
		{"calls keep every field, over a restart too", callsKept},
		{"calls are found", callsFound},
		{"calls are reported", callsReported},
		{"calls are purged", callsPurged},
		{"a call is written once for its key", callsOnce},
		{"verifications keep every field, over a restart too", verificationsKept},
		{"verifications change", verificationsChange},
		{"verifications that many change together", verificationsTogether},
		{"verifications of one number are limited", verificationsLimited},
		{"verifications are counted and purged", verificationsCounted},
		{"workflows of verifications", workflowsKept},
	}
}

// Commit commits or fails the test.
func Commit(t testing.TB, r numberdb.Registry, w numberdb.Writes) numberdb.Position {
	t.Helper()
	position, err := r.Commit(t.Context(), &w)
	if err != nil {
		t.Fatalf("committing: %v", err)
	}
	return position
}

// moment is the i-th of some times, to the microsecond.
func moment(i int) time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 891_000, time.UTC).Add(time.Duration(i) * time.Hour)
}

// clock is the time at which the test runs, as stores keep it.
func clock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func samplePools() []numberdb.Pool {
	return []numberdb.Pool{
		{Name: "london", Tenant: "shop", Policy: numberdb.PoolPolicy{
			Selection: numberdb.Pinned, Quarantine: 24*time.Hour + time.Microsecond, Parties: 120, TTL: time.Hour, MinTTL: time.Minute,
			MaxTTL: 720 * time.Hour, IdleTTL: 10 * time.Minute, MaxUses: 7, Second: true,
		}},
		{Name: "ünïcode 'pool' {}|\"\\"},
	}
}

func sampleMasks() []numberdb.Mask {
	return []numberdb.Mask{
		{
			Number: Mask(1), Pool: "london", Kind: numberdb.TollFree, Country: "GB", Region: "Greater 'London'", Services: numberdb.SMS | numberdb.Voice,
			Carrier: "alfa", Presents: []string{"bravo", "Süd"}, Cost: 1_250_000, Flags: numberdb.RegisteredAddress | numberdb.Registered,
			State: numberdb.Watchlisted, Since: moment(1),
		},
		{Number: Mask(2), Kind: numberdb.ShortCode, Services: numberdb.SMS, Since: moment(2)},
		{Number: shortCode("60123"), Pool: "london", Kind: numberdb.ShortCode, Country: "GB", Services: numberdb.SMS, Since: moment(4)},
		{Number: e164.MustParse("0000000"), Pool: "london", Services: numberdb.Voice, State: numberdb.Retired, Since: moment(3)},
	}
}

func inventory(t *testing.T, r numberdb.Registry) (pools map[string]numberdb.Pool, masks map[e164.Number]numberdb.Mask, version numberdb.InventoryVersion) {
	t.Helper()
	pools, masks = map[string]numberdb.Pool{}, map[e164.Number]numberdb.Mask{}
	read, err := r.Inventory(t.Context(), numberdb.InventoryQuery{}, func(p numberdb.Pool) {
		if len(masks) > 0 {
			t.Error("a pool comes after a mask")
		}
		pools[p.Name] = p
	}, func(m numberdb.Mask) { masks[m.Number] = m })
	if err != nil || read.Refused != 0 {
		t.Fatalf("%d refused, %v", read.Refused, err)
	}
	return pools, masks, read.Version
}

// AlteredInventory alters a pool and a mask by SQL, in the tables with that
// prefix, and wants the others alone. 256 more than a good value is no good one.
func AlteredInventory(t *testing.T, r numberdb.Registry, sql func(text string), prefix string) {
	t.Helper()
	for _, c := range []struct{ masks, pools string }{
		{"services = 0", "selection = 9"},
		{"services = services + 256", "selection = selection + 256"},
		{"kind = kind + 256", "selection = selection - 256"},
		{"flags = flags + 256", "selection = -1"},
		{"state = state + 256", "selection = 255"},
	} {
		Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: sampleMasks()})
		sql(`UPDATE ` + prefix + `masks SET ` + c.masks + ` WHERE state = 5`)
		sql(`UPDATE ` + prefix + `pools SET ` + c.pools + ` WHERE name = 'london'`)
		pools, masks := map[string]bool{}, map[e164.Number]bool{}
		read, err := r.Inventory(t.Context(), numberdb.InventoryQuery{}, func(p numberdb.Pool) { pools[p.Name] = true }, func(m numberdb.Mask) { masks[m.Number] = true })
		if err != nil || read.Refused != 2 || len(pools) != 1 || len(masks) != 3 {
			t.Errorf("%s, %s: %d pools, %d masks, %d refused, %v", c.masks, c.pools, len(pools), len(masks), read.Refused, err)
		}
		if pools["london"] || masks[e164.MustParse("0000000")] {
			t.Errorf("%s, %s: what was altered was told", c.masks, c.pools)
		}
	}
}

func wantInventory(t *testing.T, r numberdb.Registry, pools []numberdb.Pool, masks []numberdb.Mask) {
	t.Helper()
	wantPools, wantMasks := map[string]numberdb.Pool{}, map[e164.Number]numberdb.Mask{}
	for _, p := range pools {
		wantPools[p.Name] = p
	}
	for _, m := range masks {
		wantMasks[m.Number.Canonical()] = m
	}
	gotPools, gotMasks, _ := inventory(t, r)
	if diff := cmp.Diff(wantPools, gotPools) + cmp.Diff(wantMasks, gotMasks); diff != "" {
		t.Fatal(diff)
	}
}

func inventoryKept(t *testing.T, db Database) {
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: sampleMasks()})
	wantInventory(t, r, samplePools(), sampleMasks())

	pools, masks := samplePools(), sampleMasks()
	pools[0].Policy = numberdb.PoolPolicy{Selection: numberdb.AvoidStick}
	pools[0].Tenant = ""
	masks[0] = numberdb.Mask{Number: masks[0].Number, Services: numberdb.SMS, Since: moment(9)}
	double := masks[1]
	double.Region = "overwritten within the writes"
	Commit(t, r, numberdb.Writes{Pools: pools[:1], Masks: []numberdb.Mask{double, masks[0], masks[1]}})
	wantInventory(t, r, pools, masks)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantInventory(t, openRegistry(t, db), pools, masks)
}

// statesKept: who shelves masks leaves the states of those that are there to whoever
// leases them, and gives new ones theirs.
func statesKept(t *testing.T, db Database) {
	r := openRegistry(t, db)
	masks := sampleMasks()
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: masks[:2]})
	shelved := sampleMasks()
	for i := range shelved[:2] {
		shelved[i].Region, shelved[i].State, shelved[i].Since = "another", numberdb.Retired, moment(77)
		masks[i].Region = "another"
	}
	Commit(t, r, numberdb.Writes{Shelved: shelved})
	wantInventory(t, r, samplePools(), masks)
	if lines, err := r.History(t.Context(), masks[0].Number, 10); err != nil || len(lines) != 1 {
		t.Errorf("%d lines of the history, %v", len(lines), err)
	}
	w := numberdb.Writes{Shelved: []numberdb.Mask{{Number: Mask(9), Pool: "nowhere", Services: numberdb.SMS, Since: moment(1)}}}
	if _, err := r.Commit(t.Context(), &w); !errors.Is(err, numberdb.ErrNoPool) {
		t.Errorf("shelved in no pool: %v", err)
	}
}

func tenantsKept(t *testing.T, db Database) {
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Tenants: []numberdb.Tenant{{Name: "the \"shop\"", Created: moment(1)}, {Name: "alfa", Created: moment(2)}}})
	Commit(t, r, numberdb.Writes{Tenants: []numberdb.Tenant{{Name: "alfa", State: numberdb.Suspended, Created: moment(3)}}})
	got, err := r.Tenants(t.Context())
	want := []numberdb.Tenant{{Name: "alfa", State: numberdb.Suspended, Created: moment(2)}, {Name: "the \"shop\"", Created: moment(1)}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
}

func inventoryVersions(t *testing.T, db Database) {
	r := openRegistry(t, db)
	version := func() numberdb.InventoryVersion {
		v, err := r.InventoryVersion(t.Context())
		if _, _, told := inventory(t, r); err != nil || told != v {
			t.Fatalf("versions %d and %d, %v", v, told, err)
		}
		return v
	}
	last := version()
	for _, c := range []struct {
		name  string
		w     numberdb.Writes
		grows bool
	}{
		{"pools", numberdb.Writes{Pools: samplePools()}, true},
		{"masks", numberdb.Writes{Masks: sampleMasks()}, true},
		{"shelved masks", numberdb.Writes{Shelved: sampleMasks()}, true},
		{"the end of a pool", numberdb.Writes{Gone: numberdb.Gone{Pools: []string{samplePools()[1].Name}}}, true},
		{"sessions", numberdb.Writes{Sessions: []numberdb.Session{Session(1)}}, false},
		{"bindings", numberdb.Writes{Bindings: []numberdb.Change{Put(1, 1, 1)}, Claims: SessionClaims(2)}, false},
		{"history", numberdb.Writes{Events: []numberdb.MaskEvent{{Mask: Mask(1), At: moment(1), Actor: "somebody"}}}, false},
		{"nothing", numberdb.Writes{}, false},
	} {
		Commit(t, r, c.w)
		if now := version(); (now > last) != c.grows || now < last {
			t.Errorf("%s: version %d after %d", c.name, now, last)
		} else {
			last = now
		}
	}
}

func poolsAndMasksFit(t *testing.T, db Database) {
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: sampleMasks()})
	gone := func(name string) *numberdb.Writes {
		return &numberdb.Writes{Gone: numberdb.Gone{Pools: []string{name}}}
	}
	if _, err := r.Commit(t.Context(), gone("london")); !errors.Is(err, numberdb.ErrPoolInUse) {
		t.Errorf("a pool with masks: %v", err)
	}
	homeless := sampleMasks()[0]
	homeless.Pool = "nowhere"
	if _, err := r.Commit(t.Context(), &numberdb.Writes{Masks: []numberdb.Mask{homeless}}); !errors.Is(err, numberdb.ErrNoPool) {
		t.Errorf("a mask without pool: %v", err)
	}
	wantInventory(t, r, samplePools(), sampleMasks())
	// Both go together, and a pool that is not there may go too.
	masks := sampleMasks()
	for i := range masks {
		masks[i].Pool = ""
	}
	Commit(t, r, numberdb.Writes{Masks: masks, Gone: numberdb.Gone{Pools: []string{"london", "nowhere"}}})
	wantInventory(t, r, samplePools()[1:], masks)
}

func historyTold(t *testing.T, db Database) {
	r := openRegistry(t, db)
	mask := numberdb.Mask{Number: Mask(1), Services: numberdb.SMS, Since: moment(1)}
	line := func(hour int, what numberdb.MaskState, why, actor string) numberdb.MaskEvent {
		return numberdb.MaskEvent{Mask: Mask(1), At: moment(hour), What: what, Why: why, Actor: actor}
	}
	Commit(t, r, numberdb.Writes{Masks: []numberdb.Mask{mask}})
	mask.Region, mask.Since = "no change of state", moment(2)
	Commit(t, r, numberdb.Writes{Masks: []numberdb.Mask{mask}})
	mask.State, mask.Since = numberdb.Held, moment(3)
	Commit(t, r, numberdb.Writes{Masks: []numberdb.Mask{mask}})
	mask.State, mask.Since = numberdb.Watchlisted, moment(4)
	burned := line(4, numberdb.Watchlisted, "burned by its owner", "key \"shop\"")
	Commit(t, r, numberdb.Writes{Masks: []numberdb.Mask{mask}, Events: []numberdb.MaskEvent{burned}})
	other := numberdb.MaskEvent{Mask: Mask(2), At: moment(1), Actor: "x"}
	Commit(t, r, numberdb.Writes{Events: []numberdb.MaskEvent{other, line(5, numberdb.Watchlisted, "looked at", "x")}})

	want := []numberdb.MaskEvent{
		line(5, numberdb.Watchlisted, "looked at", "x"), burned,
		line(3, numberdb.Held, "", numberdb.EdgeActor), line(1, numberdb.Free, "", numberdb.EdgeActor),
	}
	for limit, wanted := range map[int][]numberdb.MaskEvent{0: want, 2: want[:2], 99: want} {
		got, err := r.History(t.Context(), Mask(1), limit)
		if diff := cmp.Diff(wanted, got); err != nil || diff != "" {
			t.Errorf("limit %d: %v %s", limit, err, diff)
		}
	}
}

// FirstSession is the ID of Session(0).
const FirstSession numberdb.ID = 1_000_000

// Session is the i-th of simple sessions: between Party(2i) and Party(2i+1),
// each with a mask of its own.
func Session(i int) numberdb.Session {
	now := clock()
	return numberdb.Session{
		ID: FirstSession + numberdb.ID(i), Tenant: "shop", Pool: "london", Services: numberdb.SMS | numberdb.Voice,
		Created: now, Expires: now.Add(time.Hour), Keep: now.Add(25 * time.Hour), Label: fmt.Sprintf("order %d", i),
		Participants: []numberdb.Participant{
			{Number: Party(2 * i), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(2 * i)}, Dial: Mask(i % 1000)},
			{Number: Party(2*i + 1), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(2*i + 1)}, Dial: Mask((i + 7) % 1000)},
		},
	}
}

// SessionClaims are the bindings of Session(i).
func SessionClaims(i int) []numberdb.Binding {
	s := Session(i)
	a, b := &s.Participants[0], &s.Participants[1]
	binding := func(from, to *numberdb.Participant) numberdb.Binding {
		return numberdb.Binding{
			Mask: from.Dial, Party: from.Number, To: to.To, Present: to.Dial, Services: s.Services, Expires: s.Expires,
			Tenant: s.Tenant, Session: s.ID, Keep: s.Keep,
		}
	}
	return []numberdb.Binding{binding(a, b), binding(b, a)}
}

// Sessions returns what a query finds.
func Sessions(t testing.TB, r numberdb.Registry, query numberdb.SessionQuery) []numberdb.Session {
	t.Helper()
	found, err := r.Sessions(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var sessionOptions = cmp.Options{
	cmpopts.EquateEmpty(), cmpopts.IgnoreFields(numberdb.Session{}, "Version"),
	cmp.Comparer(func(a, b e164.Number) bool { return a == b }),
}

func commitUnder(ctx context.Context, r numberdb.Registry, w *numberdb.Writes) error {
	_, err := r.Commit(ctx, w)
	return err
}
