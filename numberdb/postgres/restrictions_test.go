//go:build peers

package postgres

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// edgeList runs a list of restrictions over the store.
func edgeList(t *testing.T, store *Store) *numberdb.Restrictions {
	t.Helper()
	list, err := numberdb.NewRestrictions(store, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := list.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	storetest.Eventually(t, "the restrictions", list.Loaded)
	return list
}

func block(mask, party int) numberdb.RestrictionChange {
	r := numberdb.Restriction{Kind: numberdb.Block, Since: time.Unix(1_700_000_000, 0)}
	if mask != 0 {
		r.Mask = storetest.Mask(mask)
	}
	if party != 0 {
		r.Party = storetest.Party(party)
	}
	return numberdb.RestrictionChange{Restriction: r}
}

// What an operator may do by hand.
func TestRestrictionsDeletedBySQL(t *testing.T) {
	store, name := newStore(t, nil)
	list := edgeList(t, store)
	conn := connect(t, name)
	blocked := func() bool { return list.Blocked("shop", storetest.Mask(1), storetest.Party(1)) }
	for i, deletion := range []string{`DELETE FROM maskline.restrictions`, `TRUNCATE maskline.restrictions`} {
		exec(t, conn, putRestrictions, restrictionColumns(lastOfEach(store.vault, []numberdb.RestrictionChange{block(i, 1)}))...)
		storetest.Eventually(t, "a block by another connection", blocked)
		exec(t, conn, deletion)
		storetest.Eventually(t, "its deletion", func() bool { return !blocked() })
	}
}

// An edge is not ready before it has read them all, which may take longer than a
// query may.
func TestAllRestrictionsAreReadInTheTimeOfALoad(t *testing.T) {
	store, name := newStore(t, func(c *Config) { c.Query = time.Second })
	if err := store.ApplyRestrictions(t.Context(), []numberdb.RestrictionChange{block(1, 1)}); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, name)
	exec(t, conn, `ALTER TABLE maskline.restrictions RENAME TO many`)
	exec(t, conn, `CREATE VIEW maskline.restrictions AS SELECT * FROM maskline.many WHERE pg_sleep(2) IS NOT NULL`)
	told := 0
	tell := func(numberdb.RestrictionChange) { told++ }
	if read, err := store.ReadRestrictions(t.Context(), 0, tell); err != nil || told != 1 || read.Position == 0 {
		t.Errorf("%d told, %v", told, err)
	}
	if _, err := store.ReadRestrictions(t.Context(), 1, tell); err == nil {
		t.Error("the change since has no such bound")
	}
}

func TestRestrictionsThatDoNotOpen(t *testing.T) {
	store, name := newStore(t, nil)
	conn := connect(t, name)
	if err := store.ApplyRestrictions(t.Context(), []numberdb.RestrictionChange{block(1, 1), block(2, 0), block(0, 3)}); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]string{
		"another mask": `mask = mask + 1`, "another party": `party = '0123456789abcdef'`, "everybody": `party = '\x00000000000000000000000000000000'`,
		"since": `since = 0`, "for a tenant": `tenant = 'shop'`, "lifted": `lifted = true`, "sealed": `sealed = '\x01'`,
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			exec(t, conn, `UPDATE maskline.restrictions SET `+set+` WHERE mask <> 0 AND party <> '\x00000000000000000000000000000000'`)
			rows, err := conn.Query(t.Context(), `SELECT kind, tenant, mask, party, peer, sealed, since, lifted FROM maskline.restrictions`)
			if err != nil {
				t.Fatal(err)
			}
			opened := 0
			for rows.Next() {
				var r numberdb.StoredRestriction
				var party []byte
				if err := rows.Scan(&r.Kind, &r.Tenant, &r.Mask, &party, &r.Peer, &r.Sealed, &r.Since, &r.Lifted); err != nil {
					t.Fatal(err)
				}
				copy(r.Party[:], party)
				if _, err := store.vault.OpenRestriction(&r); err == nil {
					opened++
				}
			}
			if err := tx.Rollback(t.Context()); err != nil || opened != 2 {
				t.Fatalf("%d of 3 rows opened, %v", opened, err)
			}
		})
	}
	exec(t, conn, `UPDATE maskline.restrictions SET mask = mask + 1 WHERE mask <> 0`)
	told := 0
	read, err := store.ReadRestrictions(t.Context(), 0, func(numberdb.RestrictionChange) { told++ })
	if err != nil || told != 1 || read.Refused != 2 {
		t.Fatalf("%d told, %d refused, %v", told, read.Refused, err)
	}
}

// A writer that is slow to commit hides no change of another.
func TestRestrictionsOfSlowWriters(t *testing.T) {
	store, name := newStore(t, nil)
	list := edgeList(t, store)
	slow, err := connect(t, name).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Exec(t.Context(), putRestrictions, restrictionColumns(lastOfEach(store.vault, []numberdb.RestrictionChange{block(0, 1)}))...); err != nil {
		t.Fatal(err)
	}
	quick := make(chan error, 1)
	go func() {
		quick <- store.ApplyRestrictions(context.Background(), []numberdb.RestrictionChange{block(0, 2)})
	}()
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-quick; err != nil {
		t.Fatal(err)
	}
	for party := range 2 {
		storetest.Eventually(t, "both blocks", func() bool { return list.Blocked("", storetest.Mask(1), storetest.Party(party+1)) })
	}
}
