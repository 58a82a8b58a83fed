package sessionload

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"maskline/numberdb"
	"maskline/numberdb/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := Run(t.Context(), Config{Sessions: 500, Masks: 20, People: 300, Clients: 8}, store)
	if err != nil {
		t.Fatal(err)
	}
	if faults := r.Faulty(); len(faults) > 0 || r.Rows != 1000 || r.Parties.Mean != 50 || r.Parties.Max < 50 || r.Parties.Min > 50 {
		t.Errorf("%v: %+v", faults, r)
	}
	var text bytes.Buffer
	if r.Write(&text); !strings.Contains(text.String(), "of 300 people on 20 masks") {
		t.Error(text.String())
	}
	if _, err := Run(t.Context(), Config{Sessions: 1, Masks: 2}, store); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("on a full one: %v", err)
	}
	if _, err := Run(t.Context(), Config{}, store); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

// A database that is somebody's is left as it is.
func TestADatabaseInUse(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Commit(t.Context(), &numberdb.Writes{Pools: []numberdb.Pool{{Name: "uk"}}}); err != nil {
		t.Fatal(err)
	}
	before, err := store.InventoryVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Config{Sessions: 1, Masks: 2}, store); !errors.Is(err, ErrNotEmpty) {
		t.Error(err)
	}
	if after, err := store.InventoryVersion(t.Context()); err != nil || after != before {
		t.Errorf("pools or masks were written: %v", err)
	}
}

func TestWhatIsFaulty(t *testing.T) {
	good := Report{Sessions: 1, Stored: 1, Rows: 2, Table: 2}
	if faults := good.Faulty(); len(faults) > 0 {
		t.Fatal(faults)
	}
	for name, change := range map[string]func(*Report){
		"told twice": func(r *Report) { r.Doubles = 1 }, "there twice": func(r *Report) { r.Twice = 1 }, "wrong": func(r *Report) { r.Wrong = 1 },
		"lost session": func(r *Report) { r.Stored = 0 }, "table": func(r *Report) { r.Table = 1 },
		"failures": func(r *Report) { r.Failures = map[string]int{"store": 1} },
	} {
		r := good
		if change(&r); len(r.Faulty()) == 0 {
			t.Errorf("%s is no fault", name)
		}
	}
}
