//go:build peers

package postgres

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// A row that was altered, moved or written with another key is left out,
// counted, and does not keep its predecessor routed. The others go on.
func TestARowThatIsNoBinding(t *testing.T) {
	for name, set := range map[string]string{
		"moved to another mask": `mask = mask + 1000`, "another party": `party = '0123456789abcdef'`, "altered": `sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)`,
		"empty": `sealed = ''`, "another presented": `present = present + 1`, "later expiry": `expires = expires + 1`, "another tenant": `tenant = 'shop'`,
		"another row's end": `sealed = (SELECT sealed FROM maskline.bindings WHERE mask = $2)`, "digest": `digest = digest + 1`,
		"another key's": `sealed = $3`, "another carrier": `carriers = 'alfa'`,
	} {
		t.Run(name, func(t *testing.T) { refuseRow(t, set) })
	}
}

func refuseRow(t *testing.T, set string) {
	store, name := newStore(t, nil)
	storetest.Apply(t, store, storetest.Put(1, 1, 2), storetest.Put(2, 1, 2))
	snapshot, err := store.Load(t.Context(), func(numberdb.Binding) {})
	if err != nil {
		t.Fatal(err)
	}
	b := storetest.Put(1, 1, 2).Binding
	foreign := numberdb.NewVault(storetest.MasterKey("5")).Store(&b)
	args := []any{int64(storetest.Mask(1)), int64(storetest.Mask(2)), foreign.Sealed}
	exec(t, connect(t, name), `UPDATE maskline.bindings SET `+set+` WHERE mask = $1 AND $2::bigint <> 0 AND $3::bytea <> ''`, args...)
	loaded := 0
	again, err := store.Load(t.Context(), func(numberdb.Binding) { loaded++ })
	if err != nil || again.Refused != 1 || loaded != 1 {
		t.Fatalf("%d loaded, %d refused, %v", loaded, again.Refused, err)
	}
	done := errors.New("told")
	ctx, cancel := contextWithCause(t)
	refused := 0
	err = store.Follow(ctx, snapshot.Position, func(batch numberdb.Batch) {
		refused += batch.Refused
		for _, c := range batch.Changes {
			if c.Deleted && c.Binding.Mask == storetest.Mask(1) && c.Binding.Party == storetest.Party(1) {
				cancel(done)
			}
		}
	})
	if !errors.Is(err, done) || refused != 1 {
		t.Fatalf("%d refused, %v", refused, err)
	}
}

// grants are the rights that a page of the documentation gives maskline_edge, for
// another role.
func grants(t *testing.T, page, role string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "GRANT ") && strings.HasSuffix(line, " TO maskline_edge;\n") {
			all = append(all, strings.ReplaceAll(line, "maskline_edge", role))
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s gives no rights", page)
	}
	return strings.Join(all, "")
}

func TestARoleThatOnlyServes(t *testing.T) {
	_, name := newStore(t, nil)
	role := name + "_edge"
	conn := connect(t, name)
	exec(t, conn, `CREATE ROLE `+role+` LOGIN;`+grants(t, "bindings.md", role))
	edge := openStore(t, name, func(c *Config) {
		address, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.User(role)
		c.URL, c.ManualMigrations, c.Keep = address.String(), true, time.Second
	})
	defer edge.Close()
	follower := storetest.Follow(t, edge)
	storetest.Apply(t, edge, storetest.Put(1, 1, 2), storetest.Put(2, 1, 2))
	storetest.Apply(t, edge, storetest.Put(1, 1, 3), storetest.Delete(2, 1))
	follower.WaitEqual(t, edge)
	if err := edge.ApplyRestrictions(t.Context(), []numberdb.RestrictionChange{block(1, 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := edge.ReadRestrictions(t.Context(), 0, func(numberdb.RestrictionChange) {}); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "an empty changelog", func() bool { return countChangelog(t, conn) == 0 })
	var role2 string
	if err := edge.pool.QueryRow(t.Context(), `SELECT current_user`).Scan(&role2); err != nil || role2 != role {
		t.Fatalf("it ran as %s, %v", role2, err)
	}
}

// Whatever SQL other connections run, the follower ends equal to the table.
func TestAnySQLIsFollowed(t *testing.T) {
	store, name := newStore(t, nil)
	follower := storetest.Follow(t, store)
	random := rand.New(rand.NewPCG(11, 12))
	conns := []*pgx.Conn{connect(t, name), connect(t, name), connect(t, name)}
	open := make([]pgx.Tx, len(conns))
	for range 600 {
		i := random.IntN(len(conns))
		if open[i] == nil {
			tx, err := conns[i].Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			open[i] = tx
			exec(t, conns[i], `SET LOCAL lock_timeout = '20ms'`)
		}
		var sql string
		var args []any
		mask, party := random.IntN(20), random.IntN(9)
		switch random.IntN(12) {
		case 0, 1, 2, 3:
			sql, args = upsert, writeRows(byKey(store.vault, []numberdb.Change{storetest.Put(mask, party, random.IntN(1000)), storetest.Put(mask+1, party, 5)}).puts)
		case 4:
			sql, args = `DELETE FROM maskline.bindings WHERE mask = $1`, []any{int64(storetest.Mask(mask))}
		case 5:
			hidden := store.vault.Hide(storetest.Party(party))
			sql, args = `DELETE FROM maskline.bindings WHERE party = $1`, []any{hidden[:]}
		case 6:
			hidden := store.vault.Hide(storetest.Party(party))
			sql, args = `UPDATE maskline.bindings SET keep = $2 WHERE party = $1`, []any{hidden[:], random.Int64()}
		case 7:
			if random.IntN(10) == 0 {
				sql = `TRUNCATE maskline.bindings`
			} else {
				sql = `SAVEPOINT s`
			}
		case 8, 9, 10:
			if err := open[i].Commit(t.Context()); err != nil && !errors.Is(err, pgx.ErrTxCommitRollback) {
				t.Fatal(err)
			}
			open[i] = nil
		case 11:
			if err := open[i].Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			open[i] = nil
		}
		if sql == "" {
			continue
		}
		if _, err := open[i].Exec(t.Context(), sql, args...); err != nil { // a lock of another one, or a key twice
			if err := open[i].Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			open[i] = nil
		}
	}
	for _, tx := range open {
		if tx != nil {
			if err := tx.Commit(t.Context()); err != nil && !errors.Is(err, pgx.ErrTxCommitRollback) {
				t.Fatal(err)
			}
		}
	}
	copied, err := conns[1].CopyFrom(t.Context(), pgx.Identifier{"maskline", "bindings"}, strings.Split(columns, ", "),
		pgx.CopyFromSlice(3000, func(i int) ([]any, error) {
			b := storetest.Put(100+i, 1, 2).Binding
			s := store.vault.Store(&b)
			return []any{
				s.Mask, s.Party[:], s.Sealed, s.Present, s.Second, s.Services, s.Carriers, s.Expires, s.Tenant, s.Session, s.Counted, s.Keep, s.Digest,
			}, nil
		}))
	if err != nil || copied != 3000 {
		t.Fatalf("%d copied, %v", copied, err)
	}
	follower.WaitEqual(t, store)
}

func TestFollowersOfAnotherEdge(t *testing.T) {
	name := newDatabase(t)
	one, other := openStore(t, name, nil), openStore(t, name, nil)
	defer one.Close()
	defer other.Close()
	follower := storetest.Follow(t, other)
	for i := range 10 {
		follower.WaitFor(t, storetest.Apply(t, one, storetest.Put(i, 1, i), storetest.Delete(i/2, 1)))
	}
	follower.WaitEqual(t, one)
}
