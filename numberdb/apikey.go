package numberdb

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"maskline/e164"
	"maskline/seal"
)

// KeyPrefix is that of the ids of API keys.
const KeyPrefix = "key_"

// APIKey is a key of the API. Its text is kept nowhere.
type APIKey struct {
	ID        ID
	Public    string            // the part of its text by which it is found, 1 to 32 visible characters, nobody else's
	Hash      [sha256.Size]byte // of its whole text
	Tenant    string            // whose; empty: the operator's
	Role      string
	Scopes    []string // names without spaces
	Label     string   // at most 64 printable characters without numbers
	Created   time.Time
	Expires   time.Time // zero: never
	Suspended time.Time // zero: it is not
	Revoked   time.Time // zero: it is not
	Used      time.Time // the last time that is known; zero: never
}

// Faults of API keys.
var (
	ErrAPIKey      = errors.New("expected an id, a public part of 1 to 32 visible characters and a role")
	ErrScopes      = errors.New("scopes: expected at most 64 names of at most 64 visible characters")
	ErrKeyLabel    = errors.New("label: expected at most 64 printable characters without numbers")
	ErrKeyTime     = errors.New("expected times from 1970 to 2261, to the microsecond at most")
	ErrPublicTaken = errors.New("the public part of the key is that of another")
)

const (
	maxPublic = 32
	maxScopes = 64
)

// Check refuses what no store may hold.
func (k *APIKey) Check() error {
	switch {
	case k.ID == 0 || int64(k.ID) < 0 || !visible(k.Public, maxPublic) || !visible(k.Role, maxName):
		return ErrAPIKey
	case !isOwner(k.Tenant):
		return ErrTenant
	case len(k.Scopes) > maxScopes:
		return ErrScopes
	case !isText(k.Label, maxLabel) || e164.Redact(k.Label) != k.Label:
		return ErrKeyLabel
	case !isTime(k.Created):
		return ErrKeyTime
	}
	for _, scope := range k.Scopes {
		if !visible(scope, maxName) {
			return ErrScopes
		}
	}
	for _, t := range [...]time.Time{k.Expires, k.Suspended, k.Revoked, k.Used} {
		if !t.IsZero() && !isTime(t) {
			return ErrKeyTime
		}
	}
	return nil
}

// APIKeyVersion is another one after each change of a key but its use.
type APIKeyVersion uint64

// APIKeyStore keeps the keys of the API.
type APIKeyStore interface {
	// APIKeys returns all keys of one snapshot in the order of their IDs. What Check
	// refuses, written by another hand, is left out.
	APIKeys(ctx context.Context) ([]APIKey, APIKeyVersion, error)

	// APIKeyVersion is that of the last change.
	APIKeyVersion(ctx context.Context) (APIKeyVersion, error)

	// PutAPIKeys adds keys or changes their expiry, label, suspension and revocation:
	// all of them or none. An edge that does not know yet what another has done undoes
	// no end: the earlier expiry and the first revocation stay. It returns ErrPublicTaken where a new one has the public
	// part of another.
	PutAPIKeys(ctx context.Context, keys []APIKey) error

	// NoteAPIKeysUsed moves the last use of keys on, and never back.
	NoteAPIKeysUsed(ctx context.Context, used map[ID]time.Time) error
}

// TokenStore gives what all edges on a store, and nobody else, make access tokens with.
type TokenStore interface {
	TokenMAC(ctx context.Context) (*seal.MAC, error)
}

// Micros is a time as stores keep it: microseconds since 1970, 0 for none.
func Micros(t time.Time) int64 { return micros(t) }

// FromMicros is the time that Micros gave.
func FromMicros(us int64) time.Time { return fromMicros(us) }
