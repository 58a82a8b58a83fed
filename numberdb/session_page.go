package numberdb

import (
	"cmp"
	"fmt"
)

const (
	defaultLimit = 100
	mostLimit    = 10_000
)

// PageLimit bounds the limit of a query: 0 is 100.
func PageLimit(limit int) int { return min(max(0, cmp.Or(limit, defaultLimit)), mostLimit) }

// SessionPage gathers what a SessionQuery finds, for the stores.
type SessionPage struct {
	Sessions []Session
	vault    *Vault
	query    *SessionQuery
	limit    int
	refused  int
}

// NewSessionPage is an empty one.
func NewSessionPage(vault *Vault, query *SessionQuery) *SessionPage {
	return &SessionPage{vault: vault, query: query, limit: PageLimit(query.Limit)}
}

// Missing is how many more sessions it takes.
func (p *SessionPage) Missing() int { return p.limit - len(p.Sessions) }

// Add opens a row and keeps it if the query wants it: a tag may be another
// party's too.
func (p *SessionPage) Add(stored *StoredSession) {
	s, err := p.vault.OpenSession(stored)
	switch {
	case err != nil:
		p.refused++
	case p.query.Party == 0 || s.Has(p.query.Party):
		s.Version = stored.Version()
		p.Sessions = append(p.Sessions, s)
	}
}

// Err tells that rows were left out.
func (p *SessionPage) Err() error {
	if p.refused == 0 {
		return nil
	}
	return fmt.Errorf("%d sessions: %w", p.refused, ErrSealed)
}
