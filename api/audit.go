package api

import (
	"context"
	"net/http"
)

// AuditCheck asks for the audit to be compared with its hashes.
type AuditCheck struct {
	Heads []string `json:"heads"` // ends of the chain that were kept elsewhere
}

// AuditChecked is what was found.
type AuditChecked struct {
	Lines uint64 `json:"lines"`          // that are as they were written, from the first on
	Head  string `json:"head,omitempty"` // the end of these, to be kept
	Fault string `json:"fault,omitempty"`
}

// Audits is what the control socket does with the audit.
type Audits interface {
	// Check reads the whole chain.
	Check(ctx context.Context, q AuditCheck) (AuditChecked, error)
}

func (c *Control) auditRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /audit/check", answering("heads", func(ctx context.Context, q AuditCheck) (AuditChecked, error) {
		return c.Audit.Check(ctx, q)
	}))
}
