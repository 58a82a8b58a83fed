package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/numberdb"
	"maskline/seal"
)

// issuing is an edge's keys that make tokens with a data key.
func issuing(t *testing.T, store *kept, key *seal.Key) (*Keys, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	cfg := Config{Failures: 2, Codes: func(context.Context) (*seal.MAC, error) { return key.MAC("test"), nil }}
	k, err := NewKeys(cfg, store, func() time.Time { return c.now }, zap.NewNop(), prometheus.NewRegistry())
	if err == nil {
		err = k.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return k, c
}

const home = "192.0.2.1:5000"

// client makes a key and recognises it as a client.
func (k *Keys) client(t *testing.T, w *Wanted) (*Identity, numberdb.APIKey) {
	t.Helper()
	text, key, err := k.Create(t.Context(), Local(), w)
	if err != nil {
		t.Fatal(err)
	}
	who, err := k.Client(home, key.ID.Text(numberdb.KeyPrefix), text)
	if err != nil {
		t.Fatal(err)
	}
	return who, key
}

func (k *Keys) token(t *testing.T, who *Identity, scopes ...Scope) string {
	t.Helper()
	token, err := k.Issue(who, scopes)
	if err != nil {
		t.Fatal(err)
	}
	return token.Text
}

func TestATokenStandsForItsKey(t *testing.T) {
	store, key := &kept{}, seal.Generate()
	k, _ := issuing(t, store, key)
	who, _ := k.client(t, &Wanted{Tenant: "shop", Role: Integrator})
	whole, part := k.token(t, who), k.token(t, who, SessionsRead, MessagesRead)
	other, _ := issuing(t, store, key)
	for name, edge := range map[string]*Keys{"the same edge": k, "another edge": other} {
		if got, err := edge.asked(whole); err != nil || got.Key != who.Key || got.Tenant != "shop" || !slices.Equal(got.Scopes, who.Scopes) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		if got, err := edge.asked(part); err != nil || !slices.Equal(got.Scopes, []Scope{SessionsRead, MessagesRead}) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if _, err := k.Issue(who, []Scope{SessionsRead, KeysWrite}); !errors.Is(err, ErrScope) {
		t.Errorf("a scope that the key does not have: %v", err)
	}
	stranger, _ := issuing(t, store, seal.Generate())
	if _, err := stranger.asked(whole); code(err) != problem.Unauthorized {
		t.Errorf("another store's edge: %v", err)
	}
}

func TestClients(t *testing.T) {
	k, c := issuing(t, &kept{}, seal.Generate())
	text, key, err := k.Create(t.Context(), Local(), &Wanted{Role: Owner, Expires: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	id, from := key.ID.Text(numberdb.KeyPrefix), 0
	refused := func(name, id, text string) {
		t.Helper()
		from++
		source := "192.0.2." + string(rune('0'+from)) + ":5000"
		for range 2 {
			if _, err := k.Client(source, id, text); code(err) != problem.Unauthorized {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := k.Client(source, id, text); code(err) != problem.RateLimited {
			t.Errorf("%s, too often: %v", name, err)
		}
	}
	refused("nobody", "", "")
	refused("another secret", id, NewText())
	refused("another id", numberdb.ID(7).Text(numberdb.KeyPrefix), text)
	if _, err := k.Client("192.0.2.1:5001", id, text); err != nil {
		t.Errorf("a valid client of a source that has failed: %v", err)
	}
	c.now = c.now.Add(time.Hour)
	refused("expired", id, text)
}

func TestWhatEndsATokensKeyEndsTheToken(t *testing.T) {
	for name, end := range map[string]func(*Keys, *clock, numberdb.ID){
		"its time":      func(_ *Keys, c *clock, _ numberdb.ID) { c.now = c.now.Add(tokenLife) },
		"the key's end": func(_ *Keys, c *clock, _ numberdb.ID) { c.now = c.now.Add(time.Minute) },
		"revoked":       func(k *Keys, _ *clock, id numberdb.ID) { _, _ = k.Revoke(t.Context(), Local(), id) },
		"suspended":     func(k *Keys, _ *clock, id numberdb.ID) { _, _ = k.Suspend(t.Context(), Local(), id, true) },
	} {
		t.Run(name, func(t *testing.T) {
			k, c := issuing(t, &kept{}, seal.Generate())
			w := &Wanted{Tenant: "shop", Role: Integrator}
			if name == "the key's end" {
				w.Expires = time.Minute
			}
			who, key := k.client(t, w)
			token := k.token(t, who)
			if _, err := k.asked(token); err != nil {
				t.Fatal(err)
			}
			end(k, c, key.ID)
			for range 3 { // and it counts as nobody's guess
				if _, err := k.asked(token); code(err) != problem.Unauthorized {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestALifeIsNoLongerThanTheKeys(t *testing.T) {
	k, _ := issuing(t, &kept{}, seal.Generate())
	who, _ := k.client(t, &Wanted{Role: Owner, Expires: time.Minute})
	if token, err := k.Issue(who, nil); err != nil || token.Life != time.Minute {
		t.Errorf("%v %v", token.Life, err)
	}
}

// What became less since, by another hand or another version, is not in a token either.
func TestATokenHasNoMoreThanItsKeyHasNow(t *testing.T) {
	store := &kept{}
	k, _ := issuing(t, store, seal.Generate())
	who, _ := k.client(t, &Wanted{Role: Owner})
	token := k.token(t, who)
	store.keys[0].Role, store.keys[0].Scopes = string(ReadOnly), []string{"sessions:read", "sessions:write"}
	store.version++
	k.refresh(t.Context())
	if got, err := k.asked(token); err != nil || !slices.Equal(got.Scopes, []Scope{SessionsRead}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	k, _ := issuing(t, &kept{}, seal.Generate())
	who, _ := k.client(t, &Wanted{Role: Owner})
	text := k.token(t, who)
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, tokenPrefix))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"nothing": tokenPrefix, "no base64": tokenPrefix + "%%%", "padded": text + "=", "one octet": tokenPrefix + "AA", "cut off": text[:len(text)-8],
		"too long": tokenPrefix + strings.Repeat("A", mostToken), "zeroes": tokenPrefix + strings.Repeat("A", 100), "two": text + text,
	}
	for at := range data {
		altered := slices.Clone(data)
		altered[at] ^= 1
		cases["octet "+string(rune('0'+at%10))+" altered "+strings.Repeat("i", at)] = tokenPrefix + base64.RawURLEncoding.EncodeToString(altered)
	}
	ring := k.known.Load()
	for name, token := range cases {
		if _, _, _, ok := openToken(ring.codes, token); ok {
			t.Errorf("%s: it is taken for a token", name)
		}
	}
	for range 2 {
		if _, err := k.asked(cases["zeroes"]); code(err) != problem.Unauthorized {
			t.Error(err)
		}
	}
	if _, err := k.asked(cases["zeroes"]); code(err) != problem.RateLimited {
		t.Errorf("guesses are not counted: %v", err)
	}
	if _, err := k.asked(text); err != nil {
		t.Errorf("a valid token of a source that has failed: %v", err)
	}
}

// Without a store's data key there are no tokens, and none is accepted.
func TestWithoutCodesThereAreNoTokens(t *testing.T) {
	k, _ := keysOver(t, &kept{})
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	who, _ := k.client(t, &Wanted{Role: Owner})
	if _, err := k.Issue(who, nil); code(err) != problem.StorageUnavailable {
		t.Error(err)
	}
	if _, err := k.asked(tokenPrefix + strings.Repeat("A", 100)); code(err) != problem.Unauthorized {
		t.Error(err)
	}
}

func FuzzOpenToken(f *testing.F) {
	codes := seal.Generate().MAC("test")
	f.Add(sealToken(codes, 1, time.Unix(1, 0), []Scope{SessionsRead}))
	f.Add("at_")
	other := seal.Generate().MAC("test")
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, _, ok := openToken(other, text); ok {
			t.Error("a text is a token that nobody made")
		}
	})
}

func BenchmarkToken(b *testing.B) {
	store := &kept{}
	k, err := NewKeys(Config{Codes: func(context.Context) (*seal.MAC, error) { return seal.Generate().MAC("test"), nil }}, store, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err == nil {
		err = k.Load(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	text, key, err := k.Create(b.Context(), Local(), &Wanted{Role: Integrator})
	if err != nil {
		b.Fatal(err)
	}
	who, err := k.Client(home, key.ID.Text(numberdb.KeyPrefix), text)
	if err != nil {
		b.Fatal(err)
	}
	token, err := k.Issue(who, nil)
	if err != nil {
		b.Fatal(err)
	}
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	for name, text := range map[string]string{"key": text, "token": token.Text} {
		b.Run(name, func(b *testing.B) {
			r.Header.Set("Authorization", "Bearer "+text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
