package main

import (
	"context"
	"strings"

	"maskline/api/auth"
	"maskline/numberdb"
)

// auditedKeys tells of keys before they are stored.
type auditedKeys struct {
	numberdb.APIKeyStore
	records *ledgerOfChanges
}

// PutAPIKeys commits the lines, then the keys.
func (s auditedKeys) PutAPIKeys(ctx context.Context, keys []numberdb.APIKey) error {
	for i := range keys {
		k := &keys[i]
		what := "key.set"
		switch {
		case !k.Revoked.IsZero():
			what = "key.revoked"
		case !k.Suspended.IsZero():
			what = "key.suspended"
		}
		if err := s.records.Note(ctx, k.Tenant, what, k.ID.Text(numberdb.KeyPrefix), "role "+k.Role); err != nil {
			return err
		}
	}
	return s.APIKeyStore.PutAPIKeys(ctx, keys)
}

// keysByHand are keys that somebody at the command line changes.
type keysByHand struct{ auditedKeys }

// PutAPIKeys names the actor.
func (s keysByHand) PutAPIKeys(ctx context.Context, keys []numberdb.APIKey) error {
	return s.auditedKeys.PutAPIKeys(numberdb.WithActor(ctx, numberdb.OperatorActor), keys)
}

// suspendKey suspends a key for what it did. Whom an identity provider speaks for has
// none: the score refuses that one until the hour is over, and the provider can do more.
func (e *edge) suspendKey(ctx context.Context, key string) error {
	if !strings.HasPrefix(key, numberdb.KeyPrefix) {
		return nil
	}
	id, err := numberdb.ParseID(numberdb.KeyPrefix, key)
	if err != nil {
		return err
	}
	_, err = e.keys.Suspend(ctx, auth.Local(), id, true)
	return err
}

// resumeKey lets a key in again, as if it had done nothing so far.
func (e *edge) resumeKey(ctx context.Context, by *auth.Identity, id numberdb.ID) (numberdb.APIKey, error) {
	key, err := e.keys.Suspend(ctx, by, id, false)
	if err == nil {
		e.protection.guard.Forgive(id.Text(numberdb.KeyPrefix))
	}
	return key, err
}
