package sessions

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// audited is what the audit says of a subject, as "actor what".
func audited(t *testing.T, w *world, subject string) (lines []string) {
	t.Helper()
	store, is := w.store.database.(numberdb.AuditStore)
	if !is {
		t.Fatal("the store keeps no audit")
	}
	storetest.Chain(t, store)
	for _, l := range storetest.Audited(t, store, numberdb.AuditQuery{Tenant: numberdb.AnyTenant, Subject: subject}) {
		lines = append(lines, l.Actor+" "+l.What)
		if text := fmt.Sprint(l.Detail, l.Subject); strings.Contains(text, "77009") {
			t.Errorf("a person's number stands in the audit: %s", text)
		}
	}
	return lines
}

func TestChangesAreAudited(t *testing.T) {
	w := newWorld(t)
	w.cfg.Node = "edge-1"
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk"}, 20)
	ctx := numberdb.WithActor(t.Context(), "key_7")
	group := between(1, 2)
	group.Shape, group.Tenant, group.Label = numberdb.Group, "shop", "call +447700900001"
	s, err := r.Create(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func() error{
		func() error { _, err := r.Extend(ctx, "shop", s.ID, 2*time.Hour); return err },
		func() error { _, err := r.Join(ctx, "shop", s.ID, Side{Number: party(3)}); return err },
		func() error { _, err := r.Rotate(ctx, "shop", s.ID); return err },
		func() error { _, err := r.End(ctx, "shop", s.ID, numberdb.Released); return err },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
	}
	id := s.ID.Text(numberdb.SessionPrefix)
	if got, want := audited(t, w, id), []string{"key_7 session.created", "key_7 session.extended", "key_7 session.joined", "key_7 session.rotated", "key_7 session.released"}; !slices.Equal(got, want) {
		t.Errorf("a session: %v", got)
	}
	if got := audited(t, w, "uk"); !slices.Equal(got, []string{"edge pool.set"}) {
		t.Errorf("a pool: %v", got)
	}
	if got := audited(t, w, mask(3).Reveal()); !slices.Equal(got, []string{"test mask.free"}) {
		t.Errorf("a mask: %v", got)
	}
	short := between(5, 6)
	short.TTL = time.Minute
	ending := create(t, r, short)
	w.jump(2 * time.Minute)
	eventually(t, "the end of a session to be told", func() bool {
		return slices.Equal(audited(t, w, ending.ID.Text(numberdb.SessionPrefix)), []string{"edge session.created", "edge session.expired"})
	})
	again := w.edge(t) // another edge that notices it too
	if err := again.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.auditExpired(t.Context(), []numberdb.ID{ending.ID}, w.now())
	if got := audited(t, w, ending.ID.Text(numberdb.SessionPrefix)); len(got) != 2 {
		t.Errorf("its end is told twice: %v", got)
	}
	w.store.fault.Store(int32(refused_))
	if _, err := r.Create(ctx, between(8, 9)); err == nil {
		t.Fatal("the store is away")
	}
	w.store.fault.Store(int32(noFault))
	store := w.store.database.(numberdb.AuditStore)
	storetest.Chain(t, store)
	created := 0
	for _, l := range storetest.Audited(t, store, numberdb.AuditQuery{Tenant: numberdb.AnyTenant, Limit: 1000}) {
		if l.What == "session.created" {
			created++
		}
	}
	if created != 2 {
		t.Errorf("%d sessions were created, say the lines", created)
	}
}

func TestNothingIsAuditedWithoutANode(t *testing.T) {
	w, r := start(t, 4)
	create(t, r, between(1, 2))
	if head := storetest.Chain(t, w.store.database.(numberdb.AuditStore)); head.Place != 0 {
		t.Errorf("%d lines", head.Place)
	}
}
