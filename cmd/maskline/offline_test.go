package main

import (
	"database/sql"
	"strings"
	"testing"
)

// Without an edge nobody logs what the store holds and nobody can read: the command
// says so, beside its output.
func TestWhatIsLeftOutIsToldWithoutAnEdge(t *testing.T) {
	c := newCLI(t)
	c.stock()
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	if _, _, errs := c.run("numbers", "list", "--config", "edge.yaml"); errs != "" {
		t.Fatalf("a store in order: %q", errs)
	}
	db, err := sql.Open("sqlite", c.path("data/maskline.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, alter := range []string{
		`UPDATE masks SET services = 0 WHERE state = 0 AND carrier = ''`,
		`UPDATE bindings SET tenant = 'mall' WHERE mask = (SELECT min(mask) FROM bindings)`,
	} {
		if _, err := db.ExecContext(t.Context(), alter); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	code, out, errs := c.run("numbers", "list", "--config", "edge.yaml")
	if code != 0 || strings.Contains(out, "+442079460022") || !strings.Contains(out, "44:60123") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	for _, want := range []string{"cannot be read and are left out: 1\n", "make no sense and are left out: 1\n"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q lacks %q", errs, want)
		}
	}
}
