package numberdb

import (
	"context"
	"errors"
	"time"
)

// Attempt remembers that a request with a client's idempotency key was done, so
// that it is not done again. It is committed together with what it did.
type Attempt struct {
	Tenant      string
	Key         string    // the client's, 1 to 255 octets of any text
	Fingerprint []byte    // of the request, 1 to 64 octets
	Response    ID        // what the request made
	Until       time.Time // from then on the key may be used anew
}

// AttemptKey names an attempt.
type AttemptKey struct{ Tenant, Key string }

// ErrOtherRequest says that an idempotency key was used for another request.
var ErrOtherRequest = errors.New("the idempotency key was used for another request")

// AttemptStore finds attempts; Writes add them.
type AttemptStore interface {
	// Attempted returns what the same request made before, if its key is still
	// remembered at now; ok is false where it is not. Only Tenant, Key and
	// Fingerprint of the attempt matter. It returns ErrOtherRequest where the key
	// was used with another fingerprint.
	Attempted(ctx context.Context, attempt *Attempt, now time.Time) (response ID, ok bool, err error)
}
