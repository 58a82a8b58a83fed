package seal

import "context"

// Wrapper wraps data keys under a key file's key.
type Wrapper struct{ box *Box }

// Wrapper is that of the key.
func (k *Key) Wrapper() *Wrapper { return &Wrapper{k.Box("data keys")} }

// Wrap seals a data key.
func (w *Wrapper) Wrap(_ context.Context, secret []byte) ([]byte, error) {
	return w.box.Seal(nil, secret, nil), nil
}

// Unwrap opens what Wrap sealed; ErrOpen means that it was another key's.
func (w *Wrapper) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	return w.box.Open(nil, wrapped, nil)
}
