package numberdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
	"maskline/seal"
)

func vaultSessions() []Session {
	group := Session{ID: 3, Pool: "group", Shape: Group, Services: SMS, Created: then, Expires: then, Label: ""}
	for i := range maxParticipants {
		group.Participants = append(group.Participants, Participant{
			Number: e164.MustParse("447700900000") + e164.Number(i), To: Endpoint{Kind: Account, Name: "shop"}, Dial: aMask,
		})
	}
	first := goodSession()
	first.IdleTTL, first.MaxUses, first.Ended, first.Label = time.Minute, 3, Burned, "call +447700900101 back"
	open := Session{
		ID: 1<<62 + 1, Pool: "open", Shape: Open, Services: Voice, Created: then, Expires: then,
		Participants: []Participant{{Number: aParty}, {To: Endpoint{Kind: Tel, Number: bParty}, Dial: aMask}},
	}
	return []Session{first, group, open}
}

func TestVaultOpensTheSessionsItStored(t *testing.T) {
	v := NewVault(seal.Generate())
	for _, want := range vaultSessions() {
		stored := v.StoreSession(&want)
		got, err := v.OpenSession(&stored)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("session %d: %v %s", want.ID, err, diff)
		}
	}
}

func TestStoredSessionShowsNoRealNumber(t *testing.T) {
	v := NewVault(seal.Generate())
	for _, s := range vaultSessions() {
		stored := v.StoreSession(&s)
		for _, p := range s.Participants {
			for _, n := range []e164.Number{p.Number, p.To.Number} {
				if n == 0 {
					continue
				}
				if bytes.Contains(stored.Sealed, binary.BigEndian.AppendUint64(nil, uint64(n))) || bytes.Contains(stored.Sealed, n.AppendDigits(nil)) {
					t.Error("a real number stands in clear")
				}
			}
		}
		if s.Label != "" && bytes.Contains(stored.Sealed, []byte(s.Label)) {
			t.Error("a label stands in clear")
		}
	}
}

func TestVaultRefusesSessionsThatAreNotItsOwn(t *testing.T) {
	v := NewVault(seal.Generate())
	s := goodSession()
	for name, spoil := range map[string]func(*StoredSession){
		"another key":      func(r *StoredSession) { *r = NewVault(seal.Generate()).StoreSession(&s) },
		"another row":      func(r *StoredSession) { r.ID++ },
		"another tenant":   func(r *StoredSession) { r.Tenant = "other" },
		"another pool":     func(r *StoredSession) { r.Pool = "paris" },
		"a moved boundary": func(r *StoredSession) { r.Tenant, r.Pool = "sho", "plondon" },
		"a longer life":    func(r *StoredSession) { r.Expires++ },
		"kept longer":      func(r *StoredSession) { r.Keep++ },
		"not ended":        func(r *StoredSession) { r.Ended ^= 1 },
		"another service":  func(r *StoredSession) { r.Services = 3 },
		"more uses":        func(r *StoredSession) { r.MaxUses++ },
		"an altered octet": func(r *StoredSession) { r.Sealed[20] ^= 1 },
		"cut off":          func(r *StoredSession) { r.Sealed = r.Sealed[:40] },
		"nothing":          func(r *StoredSession) { r.Sealed = nil },
		"a binding's": func(r *StoredSession) {
			r.Sealed = v.Store(&Binding{Mask: aMask, Party: aParty, To: Endpoint{Kind: Tel, Number: bParty}, Present: bMask, Services: SMS}).Sealed
		},
	} {
		stored := v.StoreSession(&s)
		spoil(&stored)
		if _, err := v.OpenSession(&stored); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTags(t *testing.T) {
	v := NewVault(seal.Generate())
	s := vaultSessions()[2]
	s.Participants = append(s.Participants, s.Participants[0])
	if tags := v.Tags(nil, &s); len(tags) != 1 || tags[0] != v.Tag(aParty) {
		t.Errorf("tags of one number: %d", len(tags))
	}
	if v.Tag(aParty) == v.Tag(bParty) || v.Tag(aParty) == NewVault(seal.Generate()).Tag(aParty) {
		t.Error("a tag is of one party and one key")
	}
	if v.Tag(e164.MustParse("5491123456789")) != v.Tag(e164.MustParse("541123456789")) {
		t.Error("one party in two forms has two tags")
	}
}

func TestHiddenKeys(t *testing.T) {
	v := NewVault(seal.Generate())
	all := map[HiddenKey]bool{}
	for _, k := range []HiddenKey{
		v.HideKey("a", "b"), v.HideKey("ab", ""), v.HideKey("", "ab"), v.HideKey("b", "a"), v.HideRequest("a", []byte("b")),
		NewVault(seal.Generate()).HideKey("a", "b"),
	} {
		all[k] = true
	}
	if len(all) != 6 {
		t.Error("two of them are alike")
	}
	one, same, other := v.HideRequest("a", []byte("b")), v.HideRequest("a", []byte("b")), v.HideRequest("a", []byte("c"))
	if !one.SameRequest(same[:]) || one.SameRequest(other[:]) || one.SameRequest(nil) {
		t.Error("requests are compared wrongly")
	}
}

// What lies in a sealed session is ours, but reading it is bounded all the same.
func FuzzReadParticipant(f *testing.F) {
	p := goodSession().Participants[0]
	f.Add(appendParticipant(nil, &p))
	f.Fuzz(func(t *testing.T, plain []byte) {
		var got Participant
		rest, err := readParticipant(&got, plain)
		if err != nil {
			return
		}
		if again := appendParticipant(nil, &got); !bytes.Equal(again, plain[:len(plain)-len(rest)]) {
			t.Fatal("it is written in another form")
		}
	})
}

func BenchmarkStoreSession(b *testing.B) {
	z, s := NewVault(seal.Generate()).Sealer(), goodSession()
	b.ReportAllocs()
	for b.Loop() {
		z.StoreSession(&s)
	}
}

func BenchmarkOpenSession(b *testing.B) {
	v, s := NewVault(seal.Generate()), goodSession()
	stored := v.StoreSession(&s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.OpenSession(&stored); err != nil {
			b.Fatal(err)
		}
	}
}
