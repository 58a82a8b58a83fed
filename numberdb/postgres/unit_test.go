package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

func TestABadURLIsNotQuoted(t *testing.T) {
	for _, url := range []string{
		"postgres://edge:hunter2@db:port/maskline", "postgres://edge:hunt%er2@db/maskline", "host=db password='hunter2", "http://edge:hunter2@db/",
		"postgres://edge:hunter2@db/maskline?sslmode=hunter2", "postgres://edge:hunter2@db/maskline?connect_timeout=hunter2",
	} {
		_, err := Open(Config{URL: url, Keys: storetest.Keys()})
		if !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "hunt") {
			t.Errorf("got %v", err)
		}
	}
}

func TestCleanErrorsHoldNoValues(t *testing.T) {
	cases := []struct {
		name   string
		server pgconn.PgError
		want   string
	}{
		{
			"a violated check",
			pgconn.PgError{
				Severity: "ERROR", Code: "23514", Message: "row with 447700900001 violates", Detail: "Failing row contains (447700900001).",
				ConstraintName: "bindings_to", Where: "447700900001",
			},
			"postgres refused, SQLSTATE 23514, constraint bindings_to",
		},
		{"bad input", pgconn.PgError{Code: "22P02", Message: `invalid input syntax: "447700900001"`}, "postgres refused, SQLSTATE 22P02"},
		{"raised by a trigger", pgconn.PgError{Code: "P0001", Message: "447700900001 is taken"}, "postgres refused, SQLSTATE P0001"},
		{"a missing right", pgconn.PgError{Code: "42501", Message: "permission denied for table bindings"}, "postgres refused, SQLSTATE 42501: permission denied for table bindings"},
		{"a full disk", pgconn.PgError{Code: "53100", Message: "could not extend file"}, "postgres refused, SQLSTATE 53100: could not extend file"},
		{"no state", pgconn.PgError{Message: "447700900001"}, "postgres refused, SQLSTATE "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := clean(fmt.Errorf("447700900001: %w", &c.server)).Error(); got != c.want {
				t.Fatalf("got %s", got)
			}
		})
	}
	plain := errors.New("the network is down")
	if !errors.Is(clean(plain), plain) {
		t.Fatal("another error was changed")
	}
}

func TestByKey(t *testing.T) {
	number := e164.MustParse
	change := func(mask, party string, deleted bool) numberdb.Change {
		return numberdb.Change{Binding: numberdb.Binding{Mask: number(mask), Party: number(party), Present: number("1234567")}, Deleted: deleted}
	}
	vault := numberdb.NewVault(storetest.MasterKey("1"))
	w := byKey(vault, []numberdb.Change{
		change("3000000", "5491123456789", false), change("3000000", "541123456789", true), // one key, deleted at last
		change("2000000", "1000000", true), change("2000000", "1000000", false),
		change("1000000", "2000000", false), change("1000000", "1000000", false),
	})
	keys := func(rows []numberdb.Stored) string {
		var text []string
		for i, r := range rows {
			key, err := vault.Key(r.Mask, r.Party)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && rows[i-1].Mask == r.Mask && bytes.Compare(rows[i-1].Party[:], r.Party[:]) >= 0 {
				t.Error("not in the order of keys")
			}
			text = append(text, key.Mask.Reveal()+"/"+key.Party.Reveal())
		}
		slices.Sort(text) // parties are in the order of what they are hidden as
		return strings.Join(text, " ")
	}
	if got := keys(w.puts); got != "+1000000/+1000000 +1000000/+2000000 +2000000/+1000000" {
		t.Errorf("puts %s", got)
	}
	if got := keys(w.deletes); got != "+3000000/+541123456789" {
		t.Errorf("deletes %s", got)
	}
	if got := keys(w.with(nil)); got != "+1000000/+1000000 +1000000/+2000000 +2000000/+1000000 +3000000/+541123456789" {
		t.Errorf("all %s", got)
	}
}
