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

// SessionDesk gives out masks and takes them back. Its errors are *problem.Error;
// tenant is whose sessions exist for the caller, auth.AnyTenant all.
type SessionDesk interface {
	// Create returns when the session's masks route. Where the attempt was made
	// before, it returns what that one made.
	Create(ctx context.Context, r *api.SessionRequest, attempt *numberdb.Attempt) (s numberdb.Session, replayed bool, err error)
	// Get returns one, ended or not.
	Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error)
	// List returns sessions in the order of their IDs.
	List(ctx context.Context, q numberdb.SessionQuery) ([]numberdb.Session, error)
	// Change returns when the change routes.
	Change(ctx context.Context, tenant string, id numberdb.ID, c *SessionChange) (s numberdb.Session, replayed bool, err error)
}

// SessionChange is one change of a session.
type SessionChange struct {
	Do      string            // end, burn, extend, rotate or join
	TTL     time.Duration     // of extend, from now
	Join    *api.Participate  // of join
	Attempt *numberdb.Attempt // of join and rotate
	// Unchanged is asked before the change; where it says no, the answer is
	// precondition-failed. Nil: nothing is asked.
	Unchanged func(*numberdb.Session) bool
}

// Guard may refuse what a caller wants, with a *problem.Error.
type Guard interface {
	// Session is asked before a session or lease is made.
	Session(ctx context.Context, who auth.Identity, r *api.SessionRequest) error
}

// Sessions is the resource /v1/sessions.
type Sessions struct {
	Desk  SessionDesk
	Guard Guard // nil: nothing is refused
	Now   func() time.Time
}

// Register adds the operations.
func (s *Sessions) Register(api huma.API) {
	Register(api, Operation{
		ID: "getSession", Method: http.MethodGet, Path: "/v1/sessions/{id}", Summary: "Read a session", Tag: "sessions", Scope: auth.SessionsRead,
	}, s.get)
}

// SessionID is the path of one session.
type SessionID struct {
	ID string `path:"id" maxLength:"64" doc:"The session, such as ses_0d2k9x4m1qz7c."`
}

// parse reads the id. One that cannot be is of no session.
func (p *SessionID) parse() (numberdb.ID, error) {
	id, err := numberdb.ParseID(numberdb.SessionPrefix, p.ID)
	if err != nil {
		return 0, problem.New(problem.NotFound)
	}
	return id, nil
}

// SessionAnswer is a session with its entity tag.
type SessionAnswer struct {
	ETag string `header:"ETag" doc:"For If-Match."`
	Body Session
}

func (s *Sessions) answer(ctx context.Context, session *numberdb.Session) *SessionAnswer {
	who := auth.From(ctx)
	return &SessionAnswer{ETag: tagOf(session), Body: sessionOf(session, s.Now(), who.May(auth.PIIRead))}
}

func (s *Sessions) get(ctx context.Context, in *SessionID) (*SessionAnswer, error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	session, err := s.Desk.Get(ctx, who.Scoped(""), id)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, &session), nil
}
