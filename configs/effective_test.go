package configs

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// withoutSecrets compares configurations but for what Effective hides.
func withoutSecrets() cmp.Option {
	return cmp.Options{
		cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}),
		cmp.Comparer(func(a, b Secret) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b DatabaseURL) bool { return a.String() == b.String() }),
	}
}

// shippedEnv gives the shipped examples their secrets.
func shippedEnv(name string) (string, bool) {
	if name == "MASKLINE_DATABASE_URL" {
		return "postgres://maskline:hunter2@127.0.0.1/maskline", true
	}
	return "hunter2", strings.HasSuffix(name, "_PASSWORD")
}

func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	return files
}

func TestExamplesLoad(t *testing.T) {
	for _, file := range examples(t) {
		if _, err := Load(file, shippedEnv); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestEffectiveLoadsAgain(t *testing.T) {
	files := append(examples(t), "testdata/full.yaml")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, err := Load(file, shippedEnv)
			if err != nil {
				t.Fatal(err)
			}
			text, err := cfg.Effective()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "hunter2") {
				t.Error("a secret shows")
			}
			again, err := Parse("/elsewhere/effective.yaml", text, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(cfg, again, withoutSecrets()); diff != "" {
				t.Errorf("(-file +effective):\n%s", diff)
			}
		})
	}
}

func TestEffectiveForm(t *testing.T) {
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse("/etc/maskline/full.yaml", data, shippedEnv)
	if err != nil {
		t.Fatal(err)
	}
	text, err := cfg.Effective()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.golden", string(text))
}
