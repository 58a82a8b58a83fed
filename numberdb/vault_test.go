package numberdb

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
	"maskline/seal"
)

func vaultBindings() []Binding {
	mask, party := e164.MustParse("+442079460011"), e164.MustParse("+447700900101")
	return []Binding{
		{
			Mask: mask, Party: party, To: Endpoint{Kind: Tel, Number: e164.MustParse("+447700900202")}, Present: e164.MustParse("+442079460022"),
			Services: SMS | Voice, Carriers: []string{"alfa", "bravo"}, Expires: time.UnixMicro(1893456000123456).UTC(), Tenant: "shop",
			Session: 77, Second: e164.MustParse("+442079460033"), Counted: true, Keep: time.UnixMicro(1893456001000000).UTC(),
		},
		{Mask: mask, To: Endpoint{Kind: Account, Name: "shop"}, Present: mask, Services: SMS},
		{Mask: mask, Party: e164.MustParse("0000000"), To: Endpoint{Kind: SIP, Name: "447700900202@127.0.0.1:5090"}, Present: mask, Services: Voice},
	}
}

func TestVaultOpensWhatItStored(t *testing.T) {
	v := NewVault(seal.Generate())
	for _, want := range vaultBindings() {
		s := v.Store(&want)
		got, err := v.Open(&s)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(seal.Box{})); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
		if key, err := v.Key(s.Mask, s.Party); err != nil || key != (BindingKey{want.Mask, want.Party}) {
			t.Errorf("key: %v", err)
		}
		if uint64(s.Digest) != v.Digest(&got) {
			t.Error("the digest changes by storing")
		}
	}
}

func TestStoredShowsNoRealNumber(t *testing.T) {
	v := NewVault(seal.Generate())
	for _, b := range vaultBindings() {
		s := v.Store(&b)
		for _, n := range []e164.Number{b.Party, b.To.Number} {
			if n == 0 {
				continue
			}
			if packed := appendEndpoint(nil, Endpoint{Kind: Tel, Number: n})[1:]; bytes.Contains(s.Sealed, packed) || bytes.Contains(s.Party[:], packed) {
				t.Error("a real number stands in clear")
			}
		}
		if b.To.Name != "" && bytes.Contains(s.Sealed, []byte(b.To.Name)) {
			t.Error("an endpoint stands in clear")
		}
		if again := v.Store(&b); again.Party != s.Party || bytes.Equal(again.Sealed, s.Sealed) {
			t.Error("a party is hidden alike each time, an endpoint never")
		}
	}
}

func TestVaultRefusesWhatIsNotItsOwn(t *testing.T) {
	v := NewVault(seal.Generate())
	b := vaultBindings()[0]
	good := v.Store(&b)
	for name, spoil := range map[string]func(*Stored){
		"another key":      func(s *Stored) { *s = NewVault(seal.Generate()).Store(&b) },
		"another mask":     func(s *Stored) { s.Mask++ },
		"another party":    func(s *Stored) { s.Party = v.Hide(b.To.Number) },
		"everybody's":      func(s *Stored) { s.Party = HiddenParty{} },
		"an altered octet": func(s *Stored) { s.Sealed = append([]byte(nil), s.Sealed...); s.Sealed[20] ^= 1 },
		"nothing":          func(s *Stored) { s.Sealed = nil },
		"an altered party": func(s *Stored) { s.Party[3] ^= 1 },
		"no such service":  func(s *Stored) { s.Services = 8 },
		"a mask for itself": func(s *Stored) {
			*s = v.Store(&Binding{Mask: b.Mask, Party: b.Party, To: Endpoint{Kind: Tel, Number: b.Mask}, Present: b.Mask, Services: SMS})
		},
	} {
		s := good
		spoil(&s)
		if _, err := v.Open(&s); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestDigestsDiffer(t *testing.T) {
	v := NewVault(seal.Generate())
	b := vaultBindings()[0]
	seen := map[uint64]string{v.Digest(&b): "none"}
	for name, change := range map[string]func(*Binding){
		"mask": func(b *Binding) { b.Mask++ }, "party": func(b *Binding) { b.Party++ }, "everybody": func(b *Binding) { b.Party = 0 },
		"endpoint": func(b *Binding) { b.To.Number++ }, "kind": func(b *Binding) { b.To = Endpoint{Kind: Account, Name: "a"} },
		"present": func(b *Binding) { b.Present++ }, "second": func(b *Binding) { b.Second = 0 }, "services": func(b *Binding) { b.Services = SMS },
		"carriers": func(b *Binding) { b.Carriers = []string{"alfab", "ravo"} }, "expiry": func(b *Binding) { b.Expires = time.Time{} },
		"tenant": func(b *Binding) { b.Tenant = "" }, "session": func(b *Binding) { b.Session++ }, "counted": func(b *Binding) { b.Counted = false },
	} {
		changed := b
		change(&changed)
		digest := v.Digest(&changed)
		if other, taken := seen[digest]; taken {
			t.Errorf("%s: the digest of %s", name, other)
		}
		seen[digest] = name
	}
	kept := b
	kept.Keep = time.Time{}
	if v.Digest(&kept) != v.Digest(&b) {
		t.Error("the table does not hold Keep")
	}
}

func TestIDs(t *testing.T) {
	var ids IDs
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	last := ID(0)
	for i := range 1000 {
		id := ids.Next(now.Add(time.Duration(i%3-1) * time.Second))
		if id <= last {
			t.Fatal("an ID is not greater than the one before")
		}
		last = id
		text := id.Text(SessionPrefix)
		if got, err := ParseID(SessionPrefix, text); err != nil || got != id {
			t.Fatalf("%s: %v %v", text, got, err)
		}
	}
	if got := ids.Next(now.Add(time.Hour)) >> idChance; int64(got) != now.Add(time.Hour).Sub(idEpoch).Milliseconds() {
		t.Errorf("made %d ms after the first", got)
	}
	for _, bad := range []string{"", "ses_", "lea_0000000000001", "ses_000000000000", "ses_00000000000001", "ses_g000000000000", "ses_000000000000i", "ses_0000000000000", "ses_000000000000A"} {
		if _, err := ParseID(SessionPrefix, bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func BenchmarkVaultOpen(b *testing.B) {
	v := NewVault(seal.Generate())
	binding := vaultBindings()[0]
	s, opener := v.Store(&binding), v.Opener()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opener.Open(&s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVaultStore(b *testing.B) {
	z, binding := NewVault(seal.Generate()).Sealer(), vaultBindings()[0]
	b.ReportAllocs()
	for b.Loop() {
		z.Store(&binding)
	}
}
