package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"maskline/configs"
	"maskline/numberdb"
	"maskline/seal"
)

func keyFile(cfg *configs.Config) string {
	if filepath.IsAbs(cfg.Secrets.KeyFile) {
		return cfg.Secrets.KeyFile
	}
	return filepath.Join(string(cfg.DataDir), cfg.Secrets.KeyFile)
}

// dataKeys is what wraps the store's data key.
func dataKeys(cfg *configs.Config) numberdb.KeyWrapper {
	if command := cfg.Secrets.KMSCommand; len(command) > 0 {
		return seal.NewCommand(command)
	}
	return fileKeys{keyFile(cfg)}
}

// fileKeys wraps by the key file. It makes one only for a store that has no
// data key yet: with a lost key file nothing is begun anew.
type fileKeys struct{ path string }

var errNoKeyFile = errors.New("the key file is missing: put back the one that the store was written with, to where secrets.key_file says")

// Wrap makes the key file where there is none.
func (f fileKeys) Wrap(ctx context.Context, secret []byte) ([]byte, error) {
	key, _, err := seal.LoadOrCreate(f.path)
	if err != nil {
		return nil, err
	}
	return key.Wrapper().Wrap(ctx, secret)
}

// Unwrap needs the key file.
func (f fileKeys) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	key, err := seal.Load(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoKeyFile
	}
	if err != nil {
		return nil, err
	}
	return key.Wrapper().Unwrap(ctx, wrapped)
}
