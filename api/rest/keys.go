package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/numberdb"
)

// KeyDesk gives out API keys and takes them back. *auth.Keys does.
type KeyDesk interface {
	Create(ctx context.Context, by *auth.Identity, w *auth.Wanted) (text string, key numberdb.APIKey, err error)
	List(tenant string) ([]numberdb.APIKey, error)
	Revoke(ctx context.Context, by *auth.Identity, id numberdb.ID) (numberdb.APIKey, error)
	Rotate(ctx context.Context, by *auth.Identity, id numberdb.ID, overlap time.Duration) (text string, key numberdb.APIKey, err error)
}

// Keys is the resource /v1/keys.
type Keys struct {
	Desk   KeyDesk
	Tenant func(name string) bool // whether there is such a tenant
	// Resume lets a suspended key in again and forgets what is held against it.
	Resume func(ctx context.Context, by *auth.Identity, id numberdb.ID) (numberdb.APIKey, error)
	Now    func() time.Time
}

// Register adds the operations.
func (k *Keys) Register(to huma.API) {
	Register(to, Operation{
		ID: "createKey", Method: http.MethodPost, Path: "/v1/keys", Summary: "Make an API key", Tag: "keys", Scope: auth.KeysWrite, Status: http.StatusCreated,
		Text:     "The answer holds its text, which is shown this once.",
		Problems: []problem.Code{problem.QuotaExceeded},
	}, k.create)
	Register(to, Operation{
		ID: "listKeys", Method: http.MethodGet, Path: "/v1/keys", Summary: "List API keys, without their texts", Tag: "keys", Scope: auth.KeysRead,
	}, k.list)
	Register(to, Operation{
		ID: "revokeKey", Method: http.MethodDelete, Path: "/v1/keys/{id}", Summary: "Revoke an API key", Tag: "keys", Scope: auth.KeysWrite,
		Text: "This edge refuses it at once, others within a second or two.",
	}, k.revoke)
	Register(to, Operation{
		ID: "rotateKey", Method: http.MethodPost, Path: "/v1/keys/{id}/rotate", Summary: "Replace an API key", Tag: "keys", Scope: auth.KeysWrite, Status: http.StatusCreated,
		Text:     "The new key may do what the old one may; the old one ends after the overlap.",
		Problems: []problem.Code{problem.CapabilityUnavailable, problem.QuotaExceeded},
	}, k.rotate)
	Register(to, Operation{
		ID: "resumeKey", Method: http.MethodPost, Path: "/v1/keys/{id}/resume", Summary: "Let a suspended API key in again", Tag: "keys",
		Scope: auth.KeysWrite, Operator: true, Text: "What this edge holds against it is forgotten.",
	}, k.resume)
}

type createKeyInput struct {
	Body api.KeyRequest
}

func (k *Keys) create(ctx context.Context, in *createKeyInput) (*Answer[api.Key], error) {
	who := auth.From(ctx)
	w := &auth.Wanted{
		Tenant: in.Body.Tenant, Role: auth.Role(in.Body.Role), Scopes: in.Body.Scopes, Label: in.Body.Label,
		Expires: time.Duration(in.Body.ExpiresIn) * time.Second, Test: in.Body.Test || who.Test,
	}
	if w.Tenant == "" {
		w.Tenant = who.Tenant
	}
	if !who.Operator() && w.Tenant != who.Tenant || w.Tenant != "" && !k.Tenant(w.Tenant) {
		return nil, noTenant() // of a tenant that is not the caller's it is not told whether there is one
	}
	text, key, err := k.Desk.Create(ctx, &who, w)
	if err != nil {
		return nil, err
	}
	return Answering(api.KeyOf(&key, k.Now(), text)), nil
}

func noTenant() error { return problem.Invalid("body.tenant", "expected a tenant that there is") }

type listKeysInput struct {
	Page
	Tenant string `query:"tenant" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
}

func (k *Keys) list(ctx context.Context, in *listKeysInput) (*Answer[List[api.Key]], error) {
	after, err := in.AfterID(numberdb.KeyPrefix)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	keys, err := k.Desk.List(who.Scoped(in.Tenant))
	if err != nil {
		return nil, err
	}
	now := k.Now()
	return Answering(cut(keys, in.Limit, func(key *numberdb.APIKey) bool { return key.ID > after && (!who.Test || auth.IsTestKey(key)) },
		func(key *numberdb.APIKey) api.Key { return api.KeyOf(key, now, "") }, func(key *api.Key) string { return key.ID })), nil
}

// KeyID is the path of one key.
type KeyID struct {
	ID string `path:"id" maxLength:"64" doc:"The key, such as key_0d2k9x4m1qz7c."`
}

func (p *KeyID) parse() (numberdb.ID, error) {
	id, err := numberdb.ParseID(numberdb.KeyPrefix, p.ID)
	if err != nil {
		return 0, problem.New(problem.NotFound)
	}
	return id, nil
}

func (k *Keys) revoke(ctx context.Context, in *KeyID) (*Answer[api.Key], error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	key, err := k.Desk.Revoke(ctx, &who, id)
	if err != nil {
		return nil, err
	}
	return Answering(api.KeyOf(&key, k.Now(), "")), nil
}

func (k *Keys) resume(ctx context.Context, in *KeyID) (*Answer[api.Key], error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	key, err := k.Resume(ctx, &who, id)
	if err != nil {
		return nil, err
	}
	return Answering(api.KeyOf(&key, k.Now(), "")), nil
}

type rotateKeyInput struct {
	KeyID
	Body struct {
		Overlap int64 `json:"overlap,omitempty" minimum:"0" maximum:"2592000" doc:"The old key ends after so many seconds; without it, at once."`
	}
}

func (k *Keys) rotate(ctx context.Context, in *rotateKeyInput) (*Answer[api.Key], error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	text, key, err := k.Desk.Rotate(ctx, &who, id, time.Duration(in.Body.Overlap)*time.Second)
	if err != nil {
		return nil, err
	}
	return Answering(api.KeyOf(&key, k.Now(), text)), nil
}
