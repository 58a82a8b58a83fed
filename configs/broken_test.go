package configs

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files and the reference")

// environment is what the broken files find.
func environment(name string) (string, bool) {
	switch name {
	case "LONG":
		return strings.Repeat("hunter2", 20), true
	case "WORD":
		return "hunter2", true
	case "NUMBER":
		return "-1", true
	default:
		return "", false
	}
}

// planted are the secrets and numbers in the broken files.
func planted() []string {
	return []string{"hunter2", "447700900123", "442071838750", "2071838750"}
}

func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := Parse(filepath.Base(file), data, environment)
			var faults Faults
			if !errors.As(err, &faults) || cfg != nil {
				t.Fatalf("accepted, or not refused with Faults: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
			for _, secret := range planted() {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a fault quotes a value")
				}
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
