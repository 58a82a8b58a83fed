package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"maskline/numberdb"
)

func newVerification(id numberdb.ID, tenant string) numberdb.Verification {
	return numberdb.Verification{
		ID: id, Tenant: tenant, Workflow: 3, To: Party(1), Prefix: "4470", Digits: 6, Round: 1, Rounds: 3, Most: 5,
		Created: moment(1), Expires: moment(2), NextSend: moment(1), Until: moment(800), Code: "123456",
	}
}

func addVerification(t *testing.T, r Registry, v *numberdb.Verification) {
	t.Helper()
	if err := r.AddVerification(t.Context(), v, numberdb.VerificationLimit{}, nil); err != nil {
		t.Fatalf("keeping a verification: %v", err)
	}
}

func verifications(t *testing.T, r Registry, q numberdb.VerificationQuery) []numberdb.Verification {
	t.Helper()
	found, err := r.Verifications(t.Context(), q)
	if err != nil {
		t.Fatalf("reading verifications: %v", err)
	}
	return found
}

var sameVerification = cmp.Options{cmpopts.IgnoreUnexported(numberdb.Verification{}), cmpopts.IgnoreFields(numberdb.Verification{}, "Code")}

func verificationsKept(t *testing.T, db Database) {
	store := db(t)
	r, ok := store.(Registry)
	if !ok {
		t.Fatal("the store is no registry")
	}
	v := newVerification(7, "the \"shop\"")
	v.State, v.Tries, v.Verified = numberdb.VerificationVerified, 2, moment(1)
	addVerification(t, r, &v)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	r = openRegistry(t, db)
	found := verifications(t, r, numberdb.VerificationQuery{Tenant: v.Tenant})
	if diff := cmp.Diff([]numberdb.Verification{v}, found, sameVerification); diff != "" {
		t.Fatal(diff)
	}
	if found[0].Code != "" || !found[0].Matches("123456") || found[0].Matches("123457") || found[0].Matches("") {
		t.Error("the code is not the one that was kept")
	}
	if left := verifications(t, r, numberdb.VerificationQuery{Tenant: "outlet", ID: 7}); len(left) != 0 {
		t.Error("another tenant finds it")
	}
}

func verificationsChange(t *testing.T, db Database) {
	r := openRegistry(t, db)
	v := newVerification(7, "shop")
	addVerification(t, r, &v)
	before := verifications(t, r, numberdb.VerificationQuery{Tenant: "shop"})[0]
	got, err := r.ChangeVerification(t.Context(), "shop", 7, func(v *numberdb.Verification) bool {
		v.Code, v.Round, v.Expires = "654321", 2, moment(5)
		v.Told = []numberdb.Event{{ID: 70, Tenant: "shop", Type: "verification.succeeded", At: moment(4)}}
		return true
	})
	if err != nil || got.Round != 2 {
		t.Fatalf("%v %+v", err, got.Round)
	}
	if _, err := r.ChangeVerification(t.Context(), "shop", 7, func(v *numberdb.Verification) bool {
		v.Tries, v.Told = 3, []numberdb.Event{{ID: 71, Tenant: "shop", Type: "x", At: moment(4)}}
		return true
	}); !errors.Is(err, numberdb.ErrEventType) {
		t.Errorf("an event that no store may hold: %v", err)
	}
	if store, is := r.(numberdb.EventStore); is {
		if told := readEvents(t, store, numberdb.EventQuery{Tenant: "shop"}); len(told) != 1 || told[0].ID != 70 {
			t.Errorf("told with the changes: %+v", told)
		}
	}
	now := verifications(t, r, numberdb.VerificationQuery{Tenant: "shop"})[0]
	if !now.Matches("654321") || now.Matches("123456") || !now.Expires.Equal(moment(5)) {
		t.Error("the new code is not kept")
	}
	if _, err := r.ChangeVerification(t.Context(), "shop", 7, func(v *numberdb.Verification) bool {
		v.Restore(&before)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if now := verifications(t, r, numberdb.VerificationQuery{Tenant: "shop"})[0]; !now.Matches("123456") {
		t.Error("the first code is not back")
	}
	for _, tenant := range []string{"outlet", ""} {
		if _, err := r.ChangeVerification(t.Context(), tenant, 7, func(*numberdb.Verification) bool { return true }); !errors.Is(err, numberdb.ErrNoVerification) {
			t.Errorf("tenant %q: %v", tenant, err)
		}
	}
	if _, err := r.ChangeVerification(t.Context(), numberdb.AnyTenant, 7, func(v *numberdb.Verification) bool { v.Tries = 4; return false }); err != nil {
		t.Fatal(err)
	}
	if now := verifications(t, r, numberdb.VerificationQuery{Tenant: "shop"})[0]; now.Tries != 0 {
		t.Error("what was not to be written is")
	}
}

// verificationsTogether: of changes beside one another none is lost, so that
// guesses cannot be more than are counted.
func verificationsTogether(t *testing.T, db Database) {
	r := openRegistry(t, db)
	v := newVerification(7, "shop")
	addVerification(t, r, &v)
	var counted atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			allowed := false
			_, err := r.ChangeVerification(t.Context(), "shop", 7, func(v *numberdb.Verification) bool {
				if allowed = v.Tries < v.Most; allowed {
					v.Tries++
				}
				return allowed
			})
			if err != nil {
				t.Error(err)
			}
			if allowed {
				counted.Add(1)
			}
		})
	}
	group.Wait()
	if now := verifications(t, r, numberdb.VerificationQuery{Tenant: "shop"})[0]; counted.Load() != 5 || now.Tries != 5 {
		t.Errorf("%d guesses were let through, %d counted", counted.Load(), now.Tries)
	}
}

func verificationsLimited(t *testing.T, db Database) {
	r := openRegistry(t, db)
	limit := numberdb.VerificationLimit{Since: moment(0), Most: 3}
	var group sync.WaitGroup
	var kept atomic.Int64
	for i := range 8 {
		group.Go(func() {
			v := newVerification(numberdb.ID(i+1), "shop")
			switch err := r.AddVerification(t.Context(), &v, limit, nil); {
			case err == nil:
				kept.Add(1)
			case !errors.Is(err, numberdb.ErrPartyLimit):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if kept.Load() != 3 {
		t.Errorf("%d were kept", kept.Load())
	}
	for name, change := range map[string]func(*numberdb.Verification){
		"of another tenant": func(v *numberdb.Verification) { v.ID, v.Tenant = 100, "outlet" },
		"of another number": func(v *numberdb.Verification) { v.ID, v.To = 101, Party(2) },
	} {
		v := newVerification(1, "shop")
		change(&v)
		if err := r.AddVerification(t.Context(), &v, limit, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := newVerification(102, "shop")
	if err := r.AddVerification(t.Context(), &v, numberdb.VerificationLimit{Since: moment(2), Most: 3}, nil); err != nil {
		t.Errorf("later: %v", err)
	}
	attempt := Attempt(1)
	v.ID = 103
	if err := r.AddVerification(t.Context(), &v, numberdb.VerificationLimit{}, &attempt); err != nil {
		t.Fatal(err)
	}
	v.ID = 104
	var conflict *numberdb.Conflict
	if err := r.AddVerification(t.Context(), &v, numberdb.VerificationLimit{}, &attempt); !errors.As(err, &conflict) {
		t.Errorf("a used key: %v", err)
	}
}

func verificationsCounted(t *testing.T, db Database) {
	r := openRegistry(t, db)
	for i, took := range []time.Duration{0, time.Second, 40 * time.Second, 10 * time.Minute} {
		v := newVerification(numberdb.ID(i+1), "shop")
		if took > 0 {
			v.State, v.Verified = numberdb.VerificationVerified, v.Created.Add(took)
		}
		addVerification(t, r, &v)
	}
	v := newVerification(10, "shop")
	v.Prefix, v.State = "99812", numberdb.VerificationFailed
	addVerification(t, r, &v)
	v = newVerification(11, "outlet")
	addVerification(t, r, &v)
	got, err := r.CountVerifications(t.Context(), numberdb.VerificationQuery{Tenant: "shop", Since: moment(0), To: moment(9)})
	want := []numberdb.VerificationCount{
		{Tenant: "shop", Prefix: "4470", Sent: 4, Verified: 3, Within: [4]int{1, 1, 2, 2}, Time: 10*time.Minute + 41*time.Second},
		{Tenant: "shop", Prefix: "99812", Sent: 1, Failed: 1},
	}
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	if got, err := r.CountVerifications(t.Context(), numberdb.VerificationQuery{Tenant: numberdb.AnyTenant, Since: moment(2)}); err != nil || len(got) != 0 {
		t.Errorf("later: %v %v", got, err)
	}
	Commit(t, r, numberdb.Writes{Gone: numberdb.Gone{Verifications: []numberdb.ID{10}}})
	if got := purgeRound(t, r, moment(800)); got.Verifications != 5 {
		t.Errorf("purged %+v", got)
	}
}

func workflowsKept(t *testing.T, db Database) {
	r := openRegistry(t, db)
	w := numberdb.Workflow{
		ID: 5, Tenant: "shop", Name: "sign up", Template: "Your \"code\": {code} '£'", Sender: Mask(1), Pool: "london", Channels: []string{"sms"},
		Digits: 6, TTL: 10 * time.Minute, Tries: 5, Sends: 3, Created: moment(1), Updated: moment(1),
	}
	put := func(w numberdb.Workflow, want error) {
		t.Helper()
		if err := r.PutWorkflow(t.Context(), &w); !errors.Is(err, want) {
			t.Errorf("%v, not %v", err, want)
		}
	}
	put(w, nil)
	w.Template, w.Sender, w.Updated = "{code}", 0, moment(2)
	put(w, nil)
	other := w
	other.ID = 6
	put(other, numberdb.ErrWorkflowName)
	other.Tenant, other.Channels = "outlet", nil
	put(other, nil)
	stolen := w
	stolen.Tenant = "outlet"
	stolen.Name = "stolen"
	put(stolen, numberdb.ErrNoWorkflow)
	for tenant, want := range map[string][]numberdb.Workflow{"shop": {w}, "": nil, numberdb.AnyTenant: {w, other}} {
		if got, err := r.Workflows(t.Context(), tenant); err != nil || !cmp.Equal(want, got) {
			t.Errorf("tenant %q: %v %s", tenant, err, cmp.Diff(want, got))
		}
	}
	if err := r.DeleteWorkflow(t.Context(), "shop", 6); !errors.Is(err, numberdb.ErrNoWorkflow) {
		t.Errorf("another tenant's: %v", err)
	}
	if err := r.DeleteWorkflow(t.Context(), "shop", 5); err != nil {
		t.Error(err)
	}
	if got, err := r.Workflows(t.Context(), "shop"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}
