package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"maskline/smpp"
)

// usageFile is a file that keeps what accounts have used of their quotas.
type usageFile string

// Load reads the file; where there is none, nothing was used.
func (f usageFile) Load() (map[string]smpp.Usage, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the use of quotas: %w", err)
	}
	var kept map[string]smpp.Usage
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, fmt.Errorf("reading the use of quotas: %w", err)
	}
	return kept, nil
}

// Save replaces the file as a whole, so that a crash leaves the old one or the
// new one.
func (f usageFile) Save(used map[string]smpp.Usage) error {
	b, err := json.Marshal(used)
	if err != nil {
		return err
	}
	if err := replaceFile(string(f), b); err != nil {
		return fmt.Errorf("writing the use of quotas: %w", err)
	}
	return nil
}

// replaceFile writes a file as a whole, or leaves the old one.
func replaceFile(path string, content []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
