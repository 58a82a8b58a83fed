package prefix

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFileKeepsATable(t *testing.T) {
	f := File(filepath.Join(t.TempDir(), "prefixes.csv"))
	table, err := f.Load(t.Context())
	if err != nil || len(table.Rows) != 0 || !table.Imported.IsZero() {
		t.Fatalf("no file: %v", err)
	}
	table, err = imported("carrier,prefix,cost,quality\nalfa,44,1,\nbravo,44,2,50\n")
	if err != nil {
		t.Fatal(err)
	}
	table.Imported = noon
	for range 2 {
		if err := f.Save(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	again, err := f.Load(t.Context())
	if err != nil || exported(again) != exported(table) || !again.Imported.Equal(noon) {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Dir(string(f)))
	if err != nil || len(left) != 1 {
		t.Fatalf("%d files are left", len(left))
	}
	empty := &Table{}
	if err := f.Save(t.Context(), empty); err != nil {
		t.Fatal(err)
	}
	if again, err = f.Load(t.Context()); err != nil || len(again.Rows) != 0 {
		t.Fatalf("an empty table: %v", err)
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	f := File(filepath.Join(t.TempDir(), "prefixes.csv"))
	table, err := imported("carrier,prefix,cost,quality\nalfa,44,1,\nbravo,44,2,50\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Save(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(string(f))
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"empty":             {},
		"the half":          good[:len(good)/2],
		"without its end":   good[:len(good)-1],
		"another digit":     bytes.Replace(good, []byte("44"), []byte("45"), 1),
		"no checksum":       good[:bytes.Index(good, []byte(trailer))],
		"a line behind":     append(bytes.Clone(good), "alfa,33,1,\n"...),
		"another checksum":  []byte(strings.Replace(string(good), "sha256,", "sha256,0", 1)),
		"a header no more":  good[bytes.IndexByte(good, '\n')+1:],
		"the trailer alone": good[bytes.Index(good, []byte(trailer)):],
	} {
		if err := os.WriteFile(string(f), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Load(t.Context()); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSaveReportsWhatFails(t *testing.T) {
	f := File(filepath.Join(t.TempDir(), "none", "prefixes.csv"))
	if err := f.Save(t.Context(), &Table{}); err == nil {
		t.Fatal("nothing")
	}
}
