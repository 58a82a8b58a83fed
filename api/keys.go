package api

import (
	"context"
	"net/http"
	"time"

	"maskline/api/auth"
	"maskline/numberdb"
)

// Key is an API key as the API shows it.
type Key struct {
	ID         string       `json:"id" doc:"Such as key_0d2k9x4m1qz7c."`
	Key        string       `json:"key,omitempty" doc:"The text, in the answer to its making alone."`
	Begins     string       `json:"begins" doc:"How the text begins."`
	Tenant     string       `json:"tenant,omitempty" doc:"Whose; none: the operator's."`
	Role       string       `json:"role" enum:"owner,operator,integrator,auditor,read-only"`
	Scopes     []auth.Scope `json:"scopes" nullable:"false"`
	Label      string       `json:"label,omitempty"`
	State      string       `json:"state" enum:"active,suspended,expired,revoked"`
	Livemode   bool         `json:"livemode" doc:"false: of the sandbox."`
	CreatedAt  time.Time    `json:"created_at"`
	ExpiresAt  *time.Time   `json:"expires_at,omitempty" doc:"None: never."`
	RevokedAt  *time.Time   `json:"revoked_at,omitempty"`
	LastUsedAt *time.Time   `json:"last_used_at,omitempty" doc:"To about half a minute; none: never."`
}

// KeyOf shows a key at a time; text is its text, or empty.
func KeyOf(k *numberdb.APIKey, now time.Time, text string) Key {
	out := Key{
		ID: k.ID.Text(numberdb.KeyPrefix), Key: text, Begins: "sk_" + k.Public, Tenant: k.Tenant, Role: k.Role, Label: k.Label, State: "active", Livemode: !auth.IsTestKey(k),
		Scopes: []auth.Scope{}, CreatedAt: k.Created.UTC(), ExpiresAt: some(k.Expires), RevokedAt: some(k.Revoked), LastUsedAt: some(k.Used),
	}
	for _, scope := range k.Scopes {
		out.Scopes = append(out.Scopes, auth.Scope(scope))
	}
	switch {
	case !k.Revoked.IsZero():
		out.State = "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		out.State = "expired"
	case !k.Suspended.IsZero():
		out.State = "suspended"
	}
	return out
}

// some is a time that may be none.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// KeyRequest asks for an API key.
type KeyRequest struct {
	Tenant    string       `json:"tenant,omitempty" maxLength:"64" doc:"Whose. A tenant's key makes keys of its tenant; the operator's, without one, the operator's."`
	Role      string       `json:"role" enum:"owner,operator,integrator,auditor,read-only" doc:"What it may at most."`
	Scopes    []auth.Scope `json:"scopes,omitempty" nullable:"false" maxItems:"64" doc:"What it may; without it, all of the role but pii:read."`
	Label     string       `json:"label,omitempty" maxLength:"64" doc:"Your own name for it, without numbers."`
	Test      bool         `json:"test,omitempty" doc:"A key of the tenant's sandbox. A key of the sandbox makes no other."`
	ExpiresIn int64        `json:"expires_in,omitempty" minimum:"1" maximum:"315360000" doc:"Its life in seconds; without it, until it is revoked."`
}

// Keys is what the control socket does with the API keys of a running edge. Who may
// use the socket may give out any key.
type Keys interface {
	// Create makes one; the answer holds its text.
	Create(ctx context.Context, r KeyRequest) (Key, error)
	// List gives all of them, without their texts.
	List(ctx context.Context) ([]Key, error)
	// Revoke ends one.
	Revoke(ctx context.Context, id KeyID) (Key, error)
	// Resume lets one in again that was suspended, and forgets what it did.
	Resume(ctx context.Context, id KeyID) (Key, error)
}

// KeyID names a key.
type KeyID struct {
	ID string `json:"id"`
}

func (c *Control) keyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		all, err := c.Keys.List(r.Context())
		if err != nil {
			writeJSON(w, http.StatusServiceUnavailable, Problem{Problem: err.Error(), Code: CodeUnavailable})
			return
		}
		writeJSON(w, http.StatusOK, all)
	})
	mux.HandleFunc("POST /keys", answering("role, tenant, scopes, label or expires_in", func(ctx context.Context, r KeyRequest) (Key, error) {
		return c.Keys.Create(ctx, r)
	}))
	mux.HandleFunc("POST /keys/revoke", answering("id", func(ctx context.Context, id KeyID) (Key, error) {
		return c.Keys.Revoke(ctx, id)
	}))
	mux.HandleFunc("POST /keys/resume", answering("id", func(ctx context.Context, id KeyID) (Key, error) {
		return c.Keys.Resume(ctx, id)
	}))
}
