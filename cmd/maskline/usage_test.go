package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"maskline/smpp"
)

func TestUsageFile(t *testing.T) {
	f := usageFile(filepath.Join(t.TempDir(), "quotas.json"))
	if kept, err := f.Load(); err != nil || len(kept) != 0 {
		t.Fatalf("without a file: %v, %v", kept, err)
	}
	for _, want := range []map[string]smpp.Usage{
		{"shop": {Day: 20_000, Segments: 7}, "outlet": {}},
		{"shop": {Day: 20_001, Segments: 1}},
	} {
		if err := f.Save(want); err != nil {
			t.Fatal(err)
		}
		if kept, err := f.Load(); err != nil || !maps.Equal(kept, want) {
			t.Fatalf("kept %v, %v, want %v", kept, err, want)
		}
	}
	info, err := os.Stat(string(f))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(string(f), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil {
		t.Fatal("half a file was read")
	}
}
