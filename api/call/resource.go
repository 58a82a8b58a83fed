package call

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
	"maskline/numberdb"
)

// Call is a call as the API shows it. It holds no number.
type Call struct {
	ID          string     `json:"id" doc:"Such as cal_0d2k9x4m1qz7c."`
	Tenant      string     `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	Session     string     `json:"session" doc:"Whose participants are called."`
	State       string     `json:"state" enum:"calling,ringing,connecting,connected,ended" doc:"calling: the first person is called. ringing: the first person's phone rings. connecting: the first person has answered, and the second is called."`
	Outcome     string     `json:"outcome,omitempty" enum:"completed,no_answer,busy,declined,unreachable,cancelled,refused,failed,unknown" doc:"Of a call that has ended. unknown: the edge ended without telling."`
	Leg         string     `json:"leg,omitempty" enum:"first,second" doc:"Of a call that ended before the two could talk: who was being called."`
	Reason      string     `json:"reason,omitempty" doc:"Of a call that has ended: the word of the call records."`
	CreatedAt   time.Time  `json:"created_at"`
	AnsweredAt  *time.Time `json:"answered_at,omitempty" doc:"When the first person answered."`
	ConnectedAt *time.Time `json:"connected_at,omitempty" doc:"When the two could talk."`
	EndedAt     *time.Time `json:"ended_at,omitempty"`
	Seconds     float64    `json:"seconds,omitempty" doc:"From connected_at to ended_at."`
}

func shown(c *numberdb.Call) Call {
	out := Call{
		ID: c.ID.Text(numberdb.CallPrefix), Tenant: c.Tenant, Session: c.Session.Text(numberdb.SessionPrefix), State: c.State.String(), Reason: c.Reason,
		CreatedAt: c.Created.UTC(), AnsweredAt: instant(c.Answered), ConnectedAt: instant(c.Connected), EndedAt: instant(c.Ended),
	}
	if c.State != numberdb.CallEnded {
		return out
	}
	out.Outcome = c.Outcome.String()
	if c.Connected.IsZero() {
		out.Leg = c.Leg.String()
	} else {
		out.Seconds = seconds(c.Ended.Sub(c.Connected))
	}
	return out
}

// instant is nil for none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

const sessionCalls = "/v1/sessions/{id}/calls"

// Register adds the operations.
func (s *Service) Register(api huma.API) {
	rest.Register(api, rest.Operation{
		ID: "createCall", Method: http.MethodPost, Path: sessionCalls, Tag: "calls", Scope: auth.CallsWrite,
		Summary: "Call the two people of a session", Idempotent: true, Status: http.StatusCreated,
		Text: "The edge calls one of them, who sees the mask to dial for the other, and then the other one, who sees the mask to dial for the first. " +
			"The answer comes when the first call goes out. With any problem, nobody is called.",
		Problems: []problem.Code{
			problem.SessionClosed, problem.CapabilityUnavailable, problem.CarrierUnavailable, problem.NumberIsMask, problem.InvalidNumber,
			problem.EmergencyNumber, problem.PremiumDestination, problem.RegionNotEnabled, problem.ConsentMissing, problem.StepUpRequired,
		},
	}, s.create)
	rest.Register(api, rest.Operation{
		ID: "listCalls", Method: http.MethodGet, Path: sessionCalls, Tag: "calls", Scope: auth.CallsRead,
		Summary: "List the calls that were made to the people of a session",
	}, s.list)
	rest.Register(api, rest.Operation{
		ID: "getCall", Method: http.MethodGet, Path: "/v1/calls/{id}", Tag: "calls", Scope: auth.CallsRead, Summary: "Read a call",
	}, s.get)
	rest.Register(api, rest.Operation{
		ID: "endCall", Method: http.MethodDelete, Path: "/v1/calls/{id}", Tag: "calls", Scope: auth.CallsWrite, Summary: "End a call",
		Text:     "Whoever rings or talks is hung up on. A call that has ended stays as it is.",
		Problems: []problem.Code{problem.CapabilityUnavailable},
	}, s.end)
}

// CreateCallInput is a call to be made.
type CreateCallInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The session, such as ses_0d2k9x4m1qz7c."`
	Body struct {
		First string `json:"first,omitempty" maxLength:"16" doc:"Number of the participant who is called first, with +; without it, the first participant of the session."`
		Ring  int    `json:"ring,omitempty" minimum:"5" maximum:"180" doc:"Seconds for which each phone may ring; without it, as the operator has it."`
	}
}

// CreatedCall is the answer.
type CreatedCall struct {
	Location string `header:"Location" doc:"Where the call is read."`
	Replayed string `header:"Idempotent-Replayed" doc:"true where the same request has begun it before; the call is shown as it is now."`
	Body     Call
}

func (s *Service) create(ctx context.Context, in *CreateCallInput) (*CreatedCall, error) {
	session, err := numberdb.ParseID(numberdb.SessionPrefix, in.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	var first e164.Number
	if text := in.Body.First; text != "" {
		if first, err = e164.Parse(text); err != nil || text[0] != '+' {
			return nil, &problem.Error{Code: problem.InvalidNumber, Fields: []problem.Field{{Field: "body.first", Problem: "expected a plus and 7 to 15 digits"}}}
		}
	}
	who := auth.From(ctx)
	c, replayed, err := s.Call(ctx, &Between{
		Tenant: who.Scoped(""), Session: session, First: first, Ring: time.Duration(in.Body.Ring) * time.Second, Attempt: rest.Attempt(ctx),
	})
	if err != nil {
		return nil, err
	}
	out := &CreatedCall{Body: shown(&c)}
	out.Location = "/v1/calls/" + out.Body.ID
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// OneCall is the path of one call.
type OneCall struct {
	ID string `path:"id" maxLength:"64" doc:"The call, such as cal_0d2k9x4m1qz7c."`
}

// answering does something with a call that exists for the caller.
func answering(ctx context.Context, in *OneCall, do func(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Call, error)) (*rest.Answer[Call], error) {
	id, err := numberdb.ParseID(numberdb.CallPrefix, in.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	who := auth.From(ctx)
	c, err := do(ctx, who.Scoped(""), id)
	if err != nil {
		return nil, err
	}
	return rest.Answering(shown(&c)), nil
}

func (s *Service) get(ctx context.Context, in *OneCall) (*rest.Answer[Call], error) {
	return answering(ctx, in, s.Get)
}

func (s *Service) end(ctx context.Context, in *OneCall) (*rest.Answer[Call], error) {
	return answering(ctx, in, s.End)
}

// SessionCalls is the path of a session's calls.
type SessionCalls struct {
	ID string `path:"id" maxLength:"64" doc:"The session, such as ses_0d2k9x4m1qz7c."`
	rest.Page
}

func (s *Service) list(ctx context.Context, in *SessionCalls) (*rest.Answer[rest.List[Call]], error) {
	session, err := numberdb.ParseID(numberdb.SessionPrefix, in.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	after, err := in.AfterID(numberdb.CallPrefix)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	if _, err := s.session(ctx, who.Scoped(""), session); err != nil {
		return nil, err
	}
	found, err := s.List(ctx, who.Scoped(""), numberdb.CallQuery{Session: session, After: after, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := rest.List[Call]{Data: make([]Call, len(found))}
	for i := range found {
		out.Data[i] = shown(&found[i])
	}
	if len(found) == in.Limit {
		out.NextCursor = rest.Next(found[len(found)-1].ID.Text(numberdb.CallPrefix))
	}
	return rest.Answering(out), nil
}
