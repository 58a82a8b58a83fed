//go:build peers

package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
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

func TestRestrictionsByForeignSQL(t *testing.T) {
	store, name := newStore(t, nil)
	list := edgeList(t, store)
	conn := connect(t, name)
	party, mask := e164.MustParse("5491123456789"), e164.MustParse("441110000001")
	blocked := func() bool { return list.Blocked("shop", mask, party) }
	exec(t, conn, `INSERT INTO maskline.restrictions (kind, mask, party) VALUES ('block', '*', '+5491123456789')`)
	storetest.Eventually(t, "a block by SQL", blocked)
	exec(t, conn, `UPDATE maskline.restrictions SET lifted = true WHERE party = maskline.canonical('5491123456789')`)
	storetest.Eventually(t, "its end", func() bool { return !blocked() })
	exec(t, conn, `UPDATE maskline.restrictions SET lifted = false`)
	storetest.Eventually(t, "its return", blocked)
	exec(t, conn, `DELETE FROM maskline.restrictions`)
	storetest.Eventually(t, "its deletion", func() bool { return !blocked() })
	exec(t, conn, `INSERT INTO maskline.restrictions (kind, mask, party) VALUES ('block', '441110000001', '*')`)
	storetest.Eventually(t, "a block after a deletion", blocked)
	exec(t, conn, `TRUNCATE maskline.restrictions`)
	storetest.Eventually(t, "TRUNCATE", func() bool { return !blocked() })
}

func TestRestrictionsThatMakeNone(t *testing.T) {
	_, name := newStore(t, nil)
	conn := connect(t, name)
	for _, values := range []string{
		`('block', '', '*', '*', '')`, `('opt_out', '', '*', '*', '')`, `('opt_out', '', '441110000001', '447700900001', '')`,
		`('block', '', '*', '447700900001', 'tel:447700900002')`, `('other', '', '*', '447700900001', '')`, `('block', '', '*', '12', '')`,
	} {
		_, err := conn.Exec(t.Context(), `INSERT INTO maskline.restrictions (kind, tenant, mask, party, peer) VALUES `+values)
		var server *pgconn.PgError
		if !errors.As(err, &server) || server.Code != "23514" {
			t.Errorf("%s: %v", values, err)
		}
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
	if _, err := slow.Exec(t.Context(), `INSERT INTO maskline.restrictions (kind, mask, party) VALUES ('block', '*', '447700900001')`); err != nil {
		t.Fatal(err)
	}
	quick := make(chan error, 1)
	go func() {
		quick <- store.ApplyRestrictions(context.Background(), []numberdb.RestrictionChange{{Restriction: numberdb.Restriction{
			Kind: numberdb.Block, Party: e164.MustParse("447700900002"), Since: time.Now(),
		}}})
	}()
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-quick; err != nil {
		t.Fatal(err)
	}
	for _, party := range []string{"447700900001", "447700900002"} {
		storetest.Eventually(t, "both blocks", func() bool { return list.Blocked("", e164.MustParse("441110000001"), e164.MustParse(party)) })
	}
}

func TestARowNeedsItsParty(t *testing.T) {
	_, name := newStore(t, nil)
	_, err := connect(t, name).Exec(t.Context(), `INSERT INTO maskline.bindings (mask, to_kind, to_value, present, services)
		VALUES ('441110000001', 'smpp', 'shop', '441110000001', 'sms')`)
	var server *pgconn.PgError
	if !errors.As(err, &server) || server.Code != "23502" {
		t.Fatalf("a row without party: %v", err)
	}
}
