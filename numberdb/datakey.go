package numberdb

import (
	"context"
	"errors"
	"fmt"

	"maskline/seal"
)

// KeyWrapper wraps data keys, so that a store can keep them: by the key file or
// by a KMS.
type KeyWrapper interface {
	Wrap(ctx context.Context, secret []byte) ([]byte, error)
	// Unwrap undoes Wrap. An error that wraps seal.ErrOpen says that another key
	// wrapped it.
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// Faults of a store's data key.
var (
	ErrAnotherKey = errors.New("the store was written with another key: put the key file (or the KMS key) that wrote it " +
		"in its place; edges on one store share it")
	ErrNoKey = errors.New("a store needs what wraps its data key")
)

// NewDataKey makes a data key and returns it wrapped, for a store that has none.
func NewDataKey(ctx context.Context, keys KeyWrapper) (wrapped []byte, err error) {
	if keys == nil {
		return nil, ErrNoKey
	}
	if wrapped, err = keys.Wrap(ctx, seal.NewSecret()); err != nil {
		return nil, fmt.Errorf("wrapping the data key: %w", err)
	}
	return wrapped, nil
}

// OpenVault makes the vault of a store's wrapped data key.
func OpenVault(ctx context.Context, keys KeyWrapper, wrapped []byte) (*Vault, error) {
	if keys == nil {
		return nil, ErrNoKey
	}
	secret, err := keys.Unwrap(ctx, wrapped)
	if errors.Is(err, seal.ErrOpen) || errors.Is(err, seal.ErrVersion) {
		return nil, ErrAnotherKey
	}
	if err != nil {
		return nil, fmt.Errorf("unwrapping the data key: %w", err)
	}
	key, err := seal.Parse(secret)
	if err != nil {
		return nil, ErrAnotherKey
	}
	return NewVault(key), nil
}
