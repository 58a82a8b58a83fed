//go:build peers

package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

const insert = `INSERT INTO maskline.bindings (mask, party, to_kind, to_value, present, services) VALUES `

func TestATeamsOwnSQL(t *testing.T) {
	store, name := newStore(t, nil)
	follower := storetest.Follow(t, store)
	conn := connect(t, name)
	exec(t, conn, insert+`('+5491110000001', '+5491123456789', 'tel', '+5491123456700', '+441110000001', 'sms')`)
	// Both forms of a mobile are one row.
	exec(t, conn, insert+`('541110000001', '541123456789', 'tel', '5491123456711', '441110000001', 'sms')
		ON CONFLICT (mask, party) DO UPDATE SET to_value = excluded.to_value`)
	exec(t, conn, insert+`('441110000002', '*', 'sip', '+4420@pbx.example.org', '+441110000002', 'voice')`)
	want := map[storetest.Key]numberdb.Binding{}
	for _, b := range []numberdb.Binding{
		{
			Mask: e164.MustParse("541110000001"), Party: e164.MustParse("541123456789"), Present: e164.MustParse("441110000001"),
			To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse("5491123456711")}, Services: numberdb.SMS,
		},
		{
			Mask: e164.MustParse("441110000002"), Present: e164.MustParse("441110000002"),
			To: numberdb.Endpoint{Kind: numberdb.SIP, Name: "+4420@pbx.example.org"}, Services: numberdb.Voice,
		},
	} {
		want[storetest.Key{b.Mask, b.Party}] = b
	}
	if got := storetest.Rows(t, store); storetest.Digest(got) != storetest.Digest(want) {
		t.Fatalf("got\n%swant\n%s", storetest.Digest(got), storetest.Digest(want))
	}
	follower.WaitEqual(t, store)
	var found int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM maskline.bindings WHERE mask = maskline.canonical('+5491110000001')`).
		Scan(&found); err != nil || found != 1 {
		t.Fatalf("looked up %d rows, %v", found, err)
	}
}

func TestCanonicalIsThatOfTheEdge(t *testing.T) {
	_, name := newStore(t, nil)
	conn := connect(t, name)
	for _, number := range []string{
		"5491123456789", "541123456789", "5215512345678", "525512345678", "549112345678", "54911234567890", "52112345678901",
		"4915123456789", "0054912", "1234567", "999999999999999",
	} {
		for _, written := range []string{number, "+" + number} {
			var got string
			if err := conn.QueryRow(t.Context(), `SELECT maskline.canonical($1)`, written).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if want := string(e164.MustParse(number).Canonical().AppendDigits(nil)); got != want {
				t.Errorf("%s: %s, want %s", written, got, want)
			}
		}
	}
}

func TestTheSchemaRefuses(t *testing.T) {
	_, name := newStore(t, nil)
	conn := connect(t, name)
	exec(t, conn, insert+`('441110000001', '*', 'tel', '447700900001', '441110000001', 'sms')`)
	cases := map[string]string{
		"a mask too short":         `('123456', '*', 'tel', '447700900001', '441110000001', 'sms')`,
		"a mask with a letter":     `('44111000000x', '*', 'tel', '447700900001', '441110000001', 'sms')`,
		"two plus signs":           `('++441110000002', '*', 'tel', '447700900001', '441110000001', 'sms')`,
		"an empty party":           `('441110000002', '', 'tel', '447700900001', '441110000001', 'sms')`,
		"a present too long":       `('441110000002', '*', 'tel', '447700900001', '1234567890123456', 'sms')`,
		"an unknown kind":          `('441110000002', '*', 'webhook', 'x', '441110000001', 'sms')`,
		"a number that is none":    `('441110000002', '*', 'tel', 'shop', '441110000001', 'sms')`,
		"an account too long":      `('441110000002', '*', 'smpp', 'abcdefghijklmnop', '441110000001', 'sms')`,
		"an account with a space":  `('441110000002', '*', 'smpp', 'a b', '441110000001', 'sms')`,
		"voice for an account":     `('441110000002', '*', 'smpp', 'shop', '441110000001', 'voice')`,
		"a sip without host":       `('441110000002', '*', 'sip', 'a', '441110000001', 'sms+voice')`,
		"no service":               `('441110000002', '*', 'tel', '447700900001', '441110000001', '')`,
		"its own party":            `('441110000002', '441110000002', 'tel', '447700900001', '441110000001', 'sms')`,
		"its own destination":      `('441110000002', '*', 'tel', '+441110000002', '441110000001', 'sms')`,
		"the same key, other form": `('+441110000001', '*', 'tel', '447700900001', '441110000001', 'sms')`,
	}
	for name, values := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := conn.Exec(t.Context(), insert+values)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "23") {
				t.Fatalf("got %v", err)
			}
		})
	}
	for name, set := range map[string]string{
		"carriers with an empty name": `carriers = '{a,""}'`, "carriers with null": `carriers = '{a,NULL}'`,
		"carriers with a bar": `carriers = '{a|b}'`, "too many carriers": `carriers = array_fill('a'::text, ARRAY[33])`,
		"expiry at infinity": `expires_at = 'infinity'`, "expiry long ago": `expires_at = '-infinity'`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := conn.Exec(t.Context(), `UPDATE maskline.bindings SET `+set); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

// What passes the schema and is no binding is left out, counted, and does not
// keep its predecessor routed.
func TestARowThatIsNoBinding(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.Apply(t, store, storetest.Put(1, 1, 2), storetest.Put(2, 1, 2))
	snapshot, err := store.Load(t.Context(), func(numberdb.Binding) {})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, name), `UPDATE maskline.bindings SET to_kind = 'sip', to_value = 'a@b@c', services = 'voice'
		WHERE mask = $1`, "441110000001")
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
			if c.Deleted && c.Binding.Mask == storetest.Mask(1) {
				cancel(done)
			}
		}
	})
	if !errors.Is(err, done) || refused != 1 {
		t.Fatalf("%d refused, %v", refused, err)
	}
}

func TestARoleThatMayWriteBindingsOnly(t *testing.T) {
	store, name := newStore(t, nil)
	follower := storetest.Follow(t, store)
	role := name + "_team"
	conn := connect(t, name)
	exec(t, conn, fmt.Sprintf(`CREATE ROLE %[1]s; GRANT USAGE ON SCHEMA maskline TO %[1]s;
		GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON maskline.bindings TO %[1]s; SET ROLE %[1]s`, role))
	exec(t, conn, insert+`('+441110000001', '*', 'smpp', 'shop', '441110000001', 'sms'), ('441110000002', '*', 'smpp', 'shop', '441110000002', 'sms')`)
	exec(t, conn, `UPDATE maskline.bindings SET tenant = 'shop'`)
	exec(t, conn, `DELETE FROM maskline.bindings WHERE mask = '441110000002'`)
	follower.WaitEqual(t, store)
	exec(t, conn, `TRUNCATE maskline.bindings`)
	follower.WaitEqual(t, store)
	if _, err := conn.Exec(t.Context(), `DELETE FROM maskline.changelog`); err == nil {
		t.Fatal("the role may write the changelog")
	}
}

// Whatever SQL other connections run, the follower ends equal to the table.
func TestAnySQLIsFollowed(t *testing.T) {
	store, name := newStore(t, nil)
	follower := storetest.Follow(t, store)
	random := rand.New(rand.NewPCG(11, 12))
	conns := []*pgx.Conn{connect(t, name), connect(t, name), connect(t, name)}
	open := make([]pgx.Tx, len(conns))
	digits := func(kind, n int) string { return fmt.Sprintf("44%d%07d", 100+kind, random.IntN(n)) }
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
		switch random.IntN(12) {
		case 0, 1, 2:
			sql = fmt.Sprintf(insert+`('%s', '%s', 'tel', '%s', '4411100', 'sms') ON CONFLICT (mask, party) DO UPDATE SET to_value = excluded.to_value`,
				digits(1, 20), digits(2, 9), digits(3, 1000))
		case 3:
			sql = fmt.Sprintf(insert+`('%s', '*', 'smpp', 'shop', '4411100', 'sms') ON CONFLICT DO NOTHING`, digits(1, 20))
		case 4:
			sql = fmt.Sprintf(`DELETE FROM maskline.bindings WHERE mask = '%s'`, digits(1, 20))
		case 5: // the key itself changes
			sql = fmt.Sprintf(`UPDATE maskline.bindings SET mask = '%s' WHERE mask = '%s' AND party = '%s'`, digits(1, 20), digits(1, 20), digits(2, 9))
		case 6:
			sql = fmt.Sprintf(`UPDATE maskline.bindings SET tenant = 'shop', expires_at = now() WHERE party = '%s'`, digits(2, 9))
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
		if _, err := open[i].Exec(t.Context(), sql); err != nil { // a lock of another one, or a key twice
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
	exec(t, conns[0], `COPY (SELECT '44109' || lpad(n::text, 7, '0'), '*', 'smpp', 'shop', '4411100', 'sms' FROM generate_series(1, 3000) n) TO STDOUT`)
	copied, err := conns[1].CopyFrom(t.Context(), pgx.Identifier{"maskline", "bindings"},
		[]string{"mask", "party", "to_kind", "to_value", "present", "services"},
		pgx.CopyFromSlice(3000, func(i int) ([]any, error) {
			return []any{fmt.Sprintf("+44109%07d", i), "*", "smpp", "shop", "4411100", "sms"}, nil
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
