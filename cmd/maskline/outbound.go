package main

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/message"
	"maskline/api/problem"
	"maskline/configs"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
)

func messageConfig(cfg *configs.Config) message.Config {
	return message.Config{Answer: cfg.SMPP.AnswerWithin}
}

// sessionsOf is the owner of sessions in the words of the API.
type sessionsOf struct{ owner *sessions.Owner }

// Get finds a tenant's session.
func (s sessionsOf) Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	found, err := s.owner.Get(ctx, tenant, id)
	if errors.Is(err, sessions.ErrNoSession) {
		return found, problem.New(problem.NotFound)
	}
	return found, err
}

// registerOutbound adds what the edge writes itself to the API.
func (e *edge) registerOutbound(to huma.API) {
	e.messages.Register(to)
}
