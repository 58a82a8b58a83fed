package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

// apiKeyCases are the part of the contract that keys of the API are.
func apiKeyCases() []contractCase {
	return []contractCase{
		{"API keys keep every field, over a restart too", apiKeysKept},
		{"API keys change, all or none", apiKeysChange},
		{"the end of an API key stays, whoever writes it later", apiKeysEnd},
		{"the use of an API key moves on only", apiKeysUsed},
		{"access tokens are of the store, over a restart too", tokensOfTheStore},
	}
}

func openKeys(t *testing.T, db Database) numberdb.APIKeyStore {
	t.Helper()
	s, is := open(t, db).(numberdb.APIKeyStore)
	if !is {
		t.Fatal("the store keeps no API keys")
	}
	return s
}

func apiKey(i int) numberdb.APIKey {
	text := fmt.Sprintf("live_key%05d", i)
	return numberdb.APIKey{ID: numberdb.ID(i + 1), Public: text, Hash: sha256.Sum256([]byte(text)), Role: "owner", Created: moment(i)}
}

func wantKeys(t *testing.T, s numberdb.APIKeyStore, want ...numberdb.APIKey) numberdb.APIKeyVersion {
	t.Helper()
	got, version, err := s.APIKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if len(got[i].Scopes) == 0 {
			got[i].Scopes = nil
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if alone, err := s.APIKeyVersion(t.Context()); err != nil || alone != version {
		t.Errorf("version %d, and alone %d, %v", version, alone, err)
	}
	return version
}

func apiKeysKept(t *testing.T, db Database) {
	full := apiKey(0)
	full.Tenant, full.Scopes, full.Label = "shop 'ü'", []string{"sessions:read", "pii:read"}, "our \"shop\""
	full.Expires, full.Suspended, full.Revoked, full.Used = moment(1), moment(2), moment(3), moment(4)
	bare := apiKey(1)
	s := openKeys(t, db)
	empty := wantKeys(t, s)
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{bare, full}); err != nil {
		t.Fatal(err)
	}
	if wantKeys(t, s, full, bare) == empty {
		t.Error("the version is as before")
	}
	if closing, is := s.(numberdb.Store); is {
		if err := closing.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, openKeys(t, db), full, bare)
}

func apiKeysChange(t *testing.T, db Database) {
	s := openKeys(t, db)
	first, second := apiKey(0), apiKey(1)
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{first, second}); err != nil {
		t.Fatal(err)
	}
	version := wantKeys(t, s, first, second)
	changed := first
	changed.Revoked, changed.Expires, changed.Suspended, changed.Label = moment(5), moment(6), moment(7), "old"
	attack := changed
	attack.Role, attack.Tenant, attack.Hash = "auditor", "other", sha256.Sum256([]byte("other"))
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{attack}); err != nil { // what a key may do never changes
		t.Fatal(err)
	}
	if wantKeys(t, s, changed, second) == version {
		t.Error("the version is as before")
	}
	double, fresh := apiKey(2), apiKey(3)
	double.Public = second.Public
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{fresh, double}); !errors.Is(err, numberdb.ErrPublicTaken) {
		t.Errorf("the public part of another: %v", err)
	}
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{fresh, {ID: 9}}); !errors.Is(err, numberdb.ErrAPIKey) {
		t.Errorf("a key without a role: %v", err)
	}
	labelled := apiKey(4)
	labelled.Label = "for +447700900123"
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{labelled}); !errors.Is(err, numberdb.ErrKeyLabel) {
		t.Errorf("a number in the label: %v", err)
	}
	wantKeys(t, s, changed, second)
}

func apiKeysEnd(t *testing.T, db Database) {
	s := openKeys(t, db)
	stale := apiKey(0)
	put := func(k numberdb.APIKey) {
		t.Helper()
		if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{k}); err != nil {
			t.Fatal(err)
		}
	}
	put(stale)
	ended := stale
	ended.Revoked, ended.Expires = moment(5), moment(6)
	put(ended)
	put(stale) // by an edge that knows nothing of it
	wantKeys(t, s, ended)
	later, earlier := ended, ended
	later.Revoked, later.Expires = moment(7), moment(8)
	put(later)
	wantKeys(t, s, ended)
	earlier.Expires = moment(4)
	put(earlier)
	wantKeys(t, s, earlier)
}

func apiKeysUsed(t *testing.T, db Database) {
	s := openKeys(t, db)
	first, second := apiKey(0), apiKey(1)
	if err := s.PutAPIKeys(t.Context(), []numberdb.APIKey{first, second}); err != nil {
		t.Fatal(err)
	}
	version := wantKeys(t, s, first, second)
	for _, used := range []map[numberdb.ID]time.Time{{first.ID: moment(9), 777: moment(1)}, {first.ID: moment(8)}, {}} {
		if err := s.NoteAPIKeysUsed(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	first.Used = moment(9)
	if wantKeys(t, s, first, second) != version {
		t.Error("use has changed the version")
	}
}

func tokensOfTheStore(t *testing.T, db Database) {
	code := func(db Database) string {
		t.Helper()
		store := db(t)
		defer func() { _ = store.Close() }()
		tokens, is := store.(numberdb.TokenStore)
		if !is {
			t.Fatal("the store makes no tokens")
		}
		codes, err := tokens.TokenMAC(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sum := codes.Sum([]byte("token"))
		return string(sum[:])
	}
	if before, after := code(db), code(db); before != after {
		t.Error("another one after a restart")
	}
}
