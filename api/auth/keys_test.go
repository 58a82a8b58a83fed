package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/numberdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTextsOfKeys(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		text := NewText()
		public := publicOf(text)
		if len(text) != 51 || seen[public] || !strings.HasPrefix(text, "sk_"+public) || len(public) != 13 {
			t.Fatalf("%d characters, public %q", len(text), public)
		}
		seen[public] = true
	}
	for name, text := range map[string]string{
		"empty": "", "prefix alone": "sk_live_", "too short": "sk_live_" + strings.Repeat("a", 42), "too long": "sk_live_" + strings.Repeat("a", 44),
		"another prefix": "sk_beta_" + strings.Repeat("a", 43), "a quote": "sk_live_" + strings.Repeat("'", 43), "no ASCII": "sk_live_" + strings.Repeat("a", 41) + "é",
	} {
		if publicOf(text) != "" {
			t.Errorf("%s: it is taken for a key", name)
		}
	}
}

func TestFailuresBySource(t *testing.T) {
	f := failures{limit: 3}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range 3 {
		if f.add(one, now) != 0 {
			t.Errorf("failure %d is too many", i+1)
		}
	}
	if wait := f.add(one, now.Add(10*time.Second)); wait != 50*time.Second {
		t.Errorf("it waits %v", wait)
	}
	if f.add(other, now) != 0 {
		t.Error("one source's failures are another's")
	}
	if f.add(one, now.Add(time.Minute)) != 0 {
		t.Error("it is never forgotten")
	}
	six := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::ffff:0:1"), netip.MustParseAddr("2001:db8::4")}
	waits := 0
	for _, a := range six {
		if f.add(a, now) > 0 {
			waits++
		}
	}
	if waits != 1 {
		t.Error("addresses of one network are not counted together")
	}
	mapped := failures{limit: 1}
	mapped.add(one, now)
	if mapped.add(netip.MustParseAddr("::ffff:192.0.2.1"), now) == 0 {
		t.Error("an address in its mapped form is another source")
	}
	if none := (&failures{}); none.add(one, now) != 0 || none.of != nil {
		t.Error("no limit is one")
	}
}

func TestFailuresAreBounded(t *testing.T) {
	f := failures{limit: 3}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range mostSources + 1000 {
		f.add(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(f.of) > mostSources {
		t.Errorf("%d sources", len(f.of))
	}
}

// kept is a store of keys in memory that may be away.
type kept struct {
	mu      sync.Mutex
	keys    []numberdb.APIKey
	version numberdb.APIKeyVersion
	used    map[numberdb.ID]time.Time
	away    error
}

func (s *kept) APIKeys(context.Context) ([]numberdb.APIKey, numberdb.APIKeyVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), s.version, s.away
}

func (s *kept) APIKeyVersion(context.Context) (numberdb.APIKeyVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.away
}

func (s *kept) PutAPIKeys(_ context.Context, keys []numberdb.APIKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	for _, k := range keys {
		s.keys = append(slices.DeleteFunc(s.keys, func(x numberdb.APIKey) bool { return x.ID == k.ID }), k)
	}
	s.version++
	return nil
}

func (s *kept) NoteAPIKeysUsed(_ context.Context, used map[numberdb.ID]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.used = used
	}
	return s.away
}

type clock struct{ now time.Time }

func keysOver(t *testing.T, store *kept) (*Keys, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	k, err := NewKeys(Config{Failures: 2}, store, func() time.Time { return c.now }, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return k, c
}

func (k *Keys) asked(text string) (*Identity, error) {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.1:5000"
	r.Header.Set("Authorization", "bearer "+text)
	return k.Authenticate(r)
}

func code(err error) problem.Code {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func TestBeforeTheStoreWasReadNobodyIsLetIn(t *testing.T) {
	k, _ := keysOver(t, &kept{})
	if _, err := k.asked(NewText()); code(err) != problem.StorageUnavailable {
		t.Error(err)
	}
	if _, _, err := k.Create(t.Context(), Local(), &Wanted{Role: Owner}); code(err) != problem.StorageUnavailable {
		t.Error(err)
	}
}

// The first key stands in its file before the store has it: who reads it there at
// once is to try again, and is no guesser.
func TestBeforeTheFirstKey(t *testing.T) {
	k, _ := keysOver(t, &kept{})
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.asked(NewText()); code(err) != problem.StorageUnavailable {
		t.Error(err)
	}
	if _, _, err := k.Create(t.Context(), Local(), &Wanted{Role: Owner}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.asked(NewText()); code(err) != problem.Unauthorized {
		t.Error(err)
	}
}

func TestAKeyEnds(t *testing.T) {
	for name, end := range map[string]func(*Keys, *clock, numberdb.ID){
		"expired":   func(_ *Keys, c *clock, _ numberdb.ID) { c.now = c.now.Add(time.Hour) },
		"revoked":   func(k *Keys, _ *clock, id numberdb.ID) { _, _ = k.Revoke(t.Context(), Local(), id) },
		"suspended": func(k *Keys, _ *clock, id numberdb.ID) { _, _ = k.Suspend(t.Context(), Local(), id, true) },
	} {
		t.Run(name, func(t *testing.T) {
			k, c := keysOver(t, &kept{})
			if err := k.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, key, err := k.Create(t.Context(), Local(), &Wanted{Tenant: "shop", Role: Integrator, Expires: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if who, err := k.asked(text); err != nil || who.Tenant != "shop" || !who.May(SessionsWrite) || who.May(PIIRead) {
				t.Fatalf("%+v %v", who, err)
			}
			id := key.ID.Text(numberdb.KeyPrefix)
			if !k.Lives(id) || k.Lives("key_1") {
				t.Error("another key lives")
			}
			end(k, c, key.ID)
			if k.Lives(id) {
				t.Error("it still lives")
			}
			_, err = k.asked(text)
			var told *problem.Error
			if !errors.As(err, &told) || told.Code != problem.Unauthorized || (told.Reason == "suspended") != (name == "suspended") {
				t.Error(err)
			}
			if name == "suspended" {
				if _, err := k.Suspend(t.Context(), Local(), key.ID, false); err != nil {
					t.Fatal(err)
				}
				if _, err := k.asked(text); err != nil {
					t.Errorf("resumed: %v", err)
				}
			}
		})
	}
}

func TestKeysStayWhileTheStoreIsAway(t *testing.T) {
	store := &kept{}
	k, _ := keysOver(t, store)
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, key, err := k.Create(t.Context(), Local(), &Wanted{Role: Owner})
	if err != nil {
		t.Fatal(err)
	}
	store.away = errors.New("away")
	k.refresh(t.Context())
	if _, err := k.asked(text); err != nil {
		t.Errorf("it is refused: %v", err)
	}
	if _, err := k.Revoke(t.Context(), Local(), key.ID); code(err) != problem.StorageUnavailable {
		t.Errorf("it was not revoked, and that is not said: %v", err)
	}
	k.writeUses(t.Context())
	store.away = nil
	k.writeUses(t.Context())
	if len(store.used) != 1 {
		t.Error("the last use was lost")
	}
}

// A role that has become less takes its keys with it, whatever their rows say.
func TestARowGivesNoMoreThanItsRole(t *testing.T) {
	text := NewText()
	store := &kept{version: 1, keys: []numberdb.APIKey{{
		ID: 1, Public: publicOf(text), Hash: hashOf(text), Tenant: "shop", Role: string(ReadOnly), Scopes: []string{"admin", "sessions:write", "sessions:read"},
		Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}}}
	k, _ := keysOver(t, store)
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	who, err := k.asked(text)
	if err != nil || !slices.Equal(who.Scopes, []Scope{SessionsRead}) {
		t.Errorf("%+v %v", who, err)
	}
}

// Revoked keys stay, so a tenant that makes one after the other would leave the others
// none.
func TestATenantsKeysAreBounded(t *testing.T) {
	store := &kept{version: 1}
	for i := range mostOfTenant {
		store.keys = append(store.keys, numberdb.APIKey{
			ID: numberdb.ID(i + 1), Public: fmt.Sprintf("live_%08d", i), Tenant: "shop", Role: string(Integrator), Created: time.Unix(1, 0), Revoked: time.Unix(2, 0),
		})
	}
	store.keys[0].Revoked = time.Time{}
	k, _ := keysOver(t, store)
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Create(t.Context(), Local(), &Wanted{Tenant: "shop", Role: Integrator}); code(err) != problem.QuotaExceeded {
		t.Errorf("made: %v", err)
	}
	if _, _, err := k.Rotate(t.Context(), Local(), 1, 0); code(err) != problem.QuotaExceeded {
		t.Errorf("rotated: %v", err)
	}
	for _, tenant := range []string{"taxi", ""} {
		if _, _, err := k.Create(t.Context(), Local(), &Wanted{Tenant: tenant, Role: Integrator}); err != nil {
			t.Errorf("of %q: %v", tenant, err)
		}
	}
}
