package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestClaimedNameIsNobodys has a file be finished after somebody looked whether its
// name is free: it is not taken, and nothing is left of the try.
func TestClaimedNameIsNobodys(t *testing.T) {
	dir := t.TempDir()
	first, err := createCDR(dir, "edge-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.finish(); err != nil {
		t.Fatal(err)
	}
	if f, err := claimCDR(first.final); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the name was taken: %v, %v", f, err)
	}
	if _, err := os.Stat(first.final); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"+partEnding))
	if err != nil || len(left) != 0 {
		t.Errorf("%d are left unfinished: %v", len(left), err)
	}
}

// TestNamesWhileOthersAreFinished makes files of one millisecond while those before
// are being finished, as the writer and its syncer do.
func TestNamesWhileOthersAreFinished(t *testing.T) {
	const files = 500
	dir := t.TempDir()
	ready := make(chan *cdrFile, 1)
	var finishing sync.WaitGroup
	finishing.Go(func() {
		for f := range ready {
			if err := os.Rename(f.final+partEnding, f.final); err != nil {
				t.Error(err)
			}
			_ = f.f.Close()
		}
	})
	for range files {
		f, err := createCDR(dir, "edge-1", noon)
		if err != nil {
			t.Fatal(err)
		}
		ready <- f
	}
	close(ready)
	finishing.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	finished := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), cdrEnding) {
			finished++
		}
	}
	if finished != files {
		t.Errorf("%d of %d files are there", finished, files)
	}
}
