package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestClaimedNameIsNobodys has a file of the same millisecond be finished: the next
// one must not take its name, whatever was there when it looked.
func TestClaimedNameIsNobodys(t *testing.T) {
	dir := t.TempDir()
	first, err := createCDR(dir, "edge-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.finish(); err != nil {
		t.Fatal(err)
	}
	second, err := createCDR(dir, "edge-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	if second.final == first.final {
		t.Error("two files have one name")
	}
	if err := second.finish(); err != nil {
		t.Fatal(err)
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
