package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"maskline/numberdb"
)

// endFile keeps the end of the audit outside the store: a store that is set back to an
// older state is found by it.
type endFile string

const endName = "audit.head"

func (f endFile) path() string { return filepath.Join(string(f), endName) }

// Keep replaces the file as a whole.
func (f endFile) Keep(h numberdb.AuditHead) error {
	if err := replaceFile(f.path(), []byte(h.Text()+"\n")); err != nil {
		return fmt.Errorf("keeping the end of the audit: %w", err)
	}
	return nil
}

// Load reads the file; where there is none, no end was kept.
func (f endFile) Load() (kept []numberdb.AuditHead, err error) {
	text, err := os.ReadFile(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the end of the audit: %w", err)
	}
	h, err := numberdb.ParseAuditHead(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endName, err)
	}
	return []numberdb.AuditHead{h}, nil
}
