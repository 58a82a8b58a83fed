package message

import (
	"context"
	"errors"
	"unicode"
	"unicode/utf8"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

// Through is a message from one participant of a session to the other.
type Through struct {
	Tenant  string // whose session exists for the caller; "*" everybody's
	Session numberdb.ID
	From    e164.Number // of the participant who writes
	Text    string
	Attempt *numberdb.Attempt
}

// Send sends a message through a session: its receiver sees the mask by which it
// knows the writer. replayed says that the same request has sent it before. Any
// error is a *problem.Error.
func (s *Service) Send(ctx context.Context, t *Through) (m numberdb.Message, replayed bool, err error) {
	if m, replayed, err = s.Replayed(ctx, t.Attempt); replayed || err != nil {
		return m, replayed, err
	}
	session, err := s.session(ctx, t.Tenant, t.Session)
	if err != nil {
		return m, false, err
	}
	writer, err := s.writerIn(&session, t.From)
	if err != nil {
		return m, false, err
	}
	if !isText(t.Text) {
		return m, false, problem.Invalid("body.text", "expected text of printable characters and line breaks")
	}
	m, err = s.Deliver(ctx, &Outgoing{
		Origin: &routing.Origin{Tenant: session.Tenant, Writes: routing.WritesFor},
		From:   writer.Number, To: writer.Dial, Text: []byte(t.Text), Session: session.ID, Attempt: t.Attempt,
	})
	return m, false, err
}

func (s *Service) session(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	session, err := s.sessions.Get(ctx, tenant, id)
	var p *problem.Error
	switch {
	case errors.As(err, &p):
		return session, p
	case err != nil:
		return session, s.storeFault(err)
	}
	return session, nil
}

// writerIn is the participant who writes; the mask that it dials reaches the other
// one.
func (s *Service) writerIn(session *numberdb.Session, from e164.Number) (*numberdb.Participant, error) {
	if !session.Live(s.now()) {
		return nil, problem.New(problem.SessionClosed)
	}
	if session.Shape == numberdb.Open || session.Shape == numberdb.Lease || len(session.Participants) != 2 {
		return nil, refused("shape", "Messages can be sent through sessions of two participants.")
	}
	if !session.Services.Has(numberdb.SMS) {
		return nil, refused("service", "The session carries no messages.")
	}
	for i := range session.Participants {
		if p := &session.Participants[i]; p.Number != 0 && p.Number.Canonical() == from.Canonical() {
			return p, nil
		}
	}
	return nil, problem.Invalid("body.from", "expected the number of a participant")
}

// isText reports whether a text can be read on a phone.
func isText(text string) bool {
	if text == "" || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// Get returns a tenant's message; tenant "*" is anybody's.
func (s *Service) Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Message, error) {
	found, err := s.store.Messages(ctx, numberdb.MessageQuery{ID: id, Tenant: tenant, Limit: 1})
	switch {
	case err != nil:
		return numberdb.Message{}, s.storeFault(err)
	case len(found) == 0:
		return numberdb.Message{}, problem.New(problem.NotFound)
	}
	return found[0], nil
}

// List returns messages in the order of their IDs.
func (s *Service) List(ctx context.Context, tenant string, q numberdb.MessageQuery) ([]numberdb.Message, error) {
	q.Tenant = tenant
	found, err := s.store.Messages(ctx, q)
	if err != nil {
		return nil, s.storeFault(err)
	}
	return found, nil
}
