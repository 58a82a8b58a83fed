package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the file holds: no panic, faults without the values of secrets, and
// what is accepted is accepted again in its effective form.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/broken/*.yaml", "testdata/*.yaml", "examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	const planted = "pl4nt3d-53cr3t"
	env := func(string) (string, bool) { return planted, true }
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), planted) {
			return // the secret is in the file itself
		}
		cfg, err := Parse("fuzz.yaml", data, env)
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 || len(faults) > maxFaults+1 {
				t.Fatalf("not refused with faults: %v", err)
			}
			if strings.Contains(err.Error(), planted) {
				t.Fatal("a fault holds the value of a variable")
			}
			return
		}
		text, err := cfg.Effective()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("fuzz.yaml", text, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(cfg, again, withoutSecrets()); diff != "" {
			t.Fatalf("(-file +effective):\n%s", diff)
		}
	})
}
