package numberdb

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
	"maskline/seal"
)

func goldenRestriction() *RestrictionChange {
	return &RestrictionChange{Restriction: Restriction{
		Kind: OptOut, Tenant: "shop", Party: e164.MustParse("+447700900101"),
		Peer: Endpoint{Kind: Tel, Number: e164.MustParse("+447700900202")}, Since: time.UnixMicro(1772600767000891).UTC(),
	}, Lifted: true}
}

func goldenVault(t testing.TB) *Vault {
	t.Helper()
	key, err := seal.Parse([]byte("maskline key v1\n" + strings.Repeat("0", 64) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return NewVault(key)
}

func octets(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What the first version stored must open in every later one, and be found by
// the same key.
func TestGoldenStored(t *testing.T) {
	v := goldenVault(t)
	want := vaultBindings()[0]
	s := v.Store(&want)
	party := octets(t, "a1a15726e89b5f290c0e57a2fee16f1c")
	if HiddenParty(party) != s.Party {
		t.Error("the party is hidden otherwise")
	}
	if s.Digest != -331849965818044632 {
		t.Error("the digest is another")
	}
	s.Sealed = octets(t, "0126b2855837b8ef8ab0fa9406becc8e3bfc91269422a3fc6fb24fce2d9810b02ae12589f086")
	got, err := v.Open(&s)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("binding: %v %s", err, diff)
	}
	r := v.StoreRestriction(goldenRestriction())
	if HiddenParty(party) != r.Party || r.Peer != 3405904801950486204 {
		t.Error("the key of a restriction is another")
	}
	r.Sealed = octets(t, "0100998a92d4a64e480ffaf0ff9dbd00548e75c55364fab0aa2ddda23c8d821f484a471a4b16")
	c, err := v.OpenRestriction(&r)
	if diff := cmp.Diff(*goldenRestriction(), c); err != nil || diff != "" {
		t.Errorf("restriction: %v %s", err, diff)
	}
}

// Whatever a row holds: no panic, and what opens is a binding.
func FuzzOpener(f *testing.F) {
	v := goldenVault(f)
	for _, b := range vaultBindings() {
		s := v.Store(&b)
		f.Add(s.Mask, s.Party[:], s.Sealed, s.Present, s.Services, s.Carriers, s.Expires, s.Tenant, true)
	}
	opener := v.Opener()
	f.Fuzz(func(t *testing.T, mask int64, party, end []byte, present int64, services int16, carriers string, expires int64, tenant string, seal bool) {
		s := Stored{Mask: mask, Sealed: end, Present: present, Services: services, Carriers: carriers, Expires: expires, Tenant: tenant}
		copy(s.Party[:], party)
		if seal { // by who has the key
			s.Party = v.parties.Hide(uint64(present))
			s.Sealed = v.content.Seal(nil, end, s.place(nil))
		}
		b, err := opener.Open(&s)
		if err == nil && b.Check() != nil {
			t.Fatal("what opened is no binding")
		}
	})
}
