package numberdb

import (
	"slices"
	"testing"

	"maskline/seal"
)

// What a Sealer has made opens as what one row alone was made of, also after others
// were made; nothing of it grows into the next.
func TestSealerOfManyRows(t *testing.T) {
	v := NewVault(seal.Generate())
	z, s := v.Sealer(), goodSession()
	bindings := vaultBindings()
	var rows []Stored
	var sessions []StoredSession
	for range 200 {
		for i := range bindings {
			rows = append(rows, z.Store(&bindings[i]))
		}
		sessions = append(sessions, z.StoreSession(&s))
	}
	for i := range rows {
		want := &bindings[i%len(bindings)]
		one := v.Store(want)
		got, err := v.Open(&rows[i])
		if wanted, wantErr := v.Open(&one); err != nil || wantErr != nil || !sameBinding(&got, &wanted) {
			t.Fatalf("row %d: %v, %v", i, err, wantErr)
		}
		if rows[i].Party != one.Party || rows[i].Digest != one.Digest || rows[i].Party != z.Hide(want.Party) || cap(rows[i].Sealed) != len(rows[i].Sealed) {
			t.Fatalf("row %d differs from that which was made alone", i)
		}
	}
	for i := range sessions {
		if got, err := v.OpenSession(&sessions[i]); err != nil || got.ID != s.ID || len(got.Participants) != len(s.Participants) {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	if tags := z.Tags(nil, &s); !slices.Equal(tags, v.Tags(nil, &s)) || len(tags) == 0 || tags[0] != v.Tag(s.Participants[0].Number) {
		t.Error("other tags")
	}
}

func sameBinding(a, b *Binding) bool {
	x, y := *a, *b
	x.Carriers, y.Carriers = nil, nil
	return slices.Equal(a.Carriers, b.Carriers) && x.Key() == y.Key() && x.To == y.To && x.Present == y.Present && x.Second == y.Second &&
		x.Services == y.Services && x.Expires.Equal(y.Expires) && x.Tenant == y.Tenant && x.Session == y.Session && x.Counted == y.Counted && x.Keep.Equal(y.Keep)
}
