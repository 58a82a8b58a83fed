package sandbox

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
)

// Desk is what a sandbox does. Its errors are *problem.Error.
type Desk interface {
	// Inbound hands a message from a person to the edge, as a carrier would, and
	// returns what the edge has said to it.
	Inbound(ctx context.Context, from, to e164.Number, text string) (status uint32, err error)
	// Call lets a person call a mask, talk for a while and hang up.
	Call(ctx context.Context, from, to e164.Number, talk time.Duration) (CallAnswer, error)
	// Advance moves the clock on and returns what it says then.
	Advance(ctx context.Context, by time.Duration) (now time.Time, err error)
	// Now is what the clock says.
	Now() time.Time
	// Messages are the last ones that simulated carriers have taken, and Calls those
	// that came to them, oldest first.
	Messages() []Received
	Calls() []Called
}

// Resource is /v1/sandbox.
type Resource struct {
	Desk   Desk // nil: the edge is none of a sandbox
	Ranges *Ranges
}

const tag = "sandbox"

// Register adds the operations.
func (s *Resource) Register(api huma.API) {
	const text = "For keys of the sandbox; to others it is not there."
	rest.Register(api, rest.Operation{
		ID: "sandboxInboundSMS", Method: http.MethodPost, Path: "/v1/sandbox/inbound-sms", Tag: tag, Scope: auth.MessagesWrite,
		Summary: "Write to a mask as a person would", Text: text, Problems: []problem.Code{problem.NotFound, problem.InvalidNumber, problem.CarrierUnavailable},
	}, s.inbound)
	rest.Register(api, rest.Operation{
		ID: "sandboxInboundCall", Method: http.MethodPost, Path: "/v1/sandbox/inbound-call", Tag: tag, Scope: auth.MessagesWrite,
		Summary: "Call a mask as a person would", Text: text + " The answer comes when the call is over.",
		Problems: []problem.Code{problem.NotFound, problem.InvalidNumber, problem.CarrierUnavailable},
	}, s.call)
	rest.Register(api, rest.Operation{
		ID: "sandboxCalls", Method: http.MethodGet, Path: "/v1/sandbox/calls", Tag: tag, Scope: auth.MessagesRead,
		Summary: "Read which calls have come to people of the sandbox of late", Text: text + " The last hundred, which are in memory alone.",
		Problems: []problem.Code{problem.NotFound},
	}, s.calls)
	rest.Register(api, rest.Operation{
		ID: "sandboxMessages", Method: http.MethodGet, Path: "/v1/sandbox/messages", Tag: tag, Scope: auth.MessagesRead,
		Summary: "Read what people of the sandbox have got of late", Text: text + " The last hundred, which are in memory alone.",
		Problems: []problem.Code{problem.NotFound},
	}, s.messages)
	rest.Register(api, rest.Operation{
		ID: "sandboxAdvanceClock", Method: http.MethodPost, Path: "/v1/sandbox/advance-clock", Tag: tag, Scope: auth.SessionsWrite,
		Summary: "Move the clock of the sandbox on", Text: text + " It never goes back.", Problems: []problem.Code{problem.NotFound},
	}, s.advance)
	rest.Register(api, rest.Operation{
		ID: "sandboxClock", Method: http.MethodGet, Path: "/v1/sandbox/clock", Tag: tag, Scope: auth.SessionsRead,
		Summary: "Read the clock of the sandbox", Text: text, Problems: []problem.Code{problem.NotFound},
	}, s.clock)
}

// InboundInput is a message of a person.
type InboundInput struct {
	Body struct {
		From string `json:"from" maxLength:"16" doc:"Who writes, with +: a number of a range for fiction."`
		To   string `json:"to" maxLength:"16" doc:"The mask, with +."`
		Text string `json:"text" minLength:"1" maxLength:"1600" doc:"What it says."`
	}
}

// InboundAnswer is what the edge has said to the carrier.
type InboundAnswer struct {
	Accepted bool   `json:"accepted" doc:"The edge has taken the message."`
	Status   string `json:"status" doc:"SMPP command_status of its answer to the carrier, such as 0x00000000."`
	Livemode bool   `json:"livemode" doc:"false"`
}

func (s *Resource) inbound(ctx context.Context, in *InboundInput) (*rest.Answer[InboundAnswer], error) {
	if s.Desk == nil {
		return nil, problem.New(problem.NotFound)
	}
	from, err := s.number(in.Body.From, "body.from")
	if err != nil {
		return nil, err
	}
	to, err := s.number(in.Body.To, "body.to")
	if err != nil {
		return nil, err
	}
	status, err := s.Desk.Inbound(ctx, from, to, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return rest.Answering(InboundAnswer{Accepted: status == 0, Status: hexadecimal(status)}), nil
}

// number reads one of the ranges.
func (s *Resource) number(text, field string) (e164.Number, error) {
	n, err := e164.Parse(text)
	if err != nil || text == "" || text[0] != '+' || !s.Ranges.Has(n) {
		return 0, &problem.Error{Code: problem.InvalidNumber, Fields: []problem.Field{{Field: field, Problem: OnlyFiction}}}
	}
	return n, nil
}

// OnlyFiction is what a number of a sandbox is expected to be.
const OnlyFiction = "expected a number of a range that is kept for fiction, since this is the sandbox"

// Received is what a person of the sandbox has got.
type Received struct {
	From     string    `json:"from" doc:"The mask that the person sees."`
	To       string    `json:"to" doc:"The person."`
	Text     string    `json:"text" doc:"Of a long message one segment."`
	Carrier  string    `json:"carrier" doc:"Which of the simulated carriers took it."`
	At       time.Time `json:"at" doc:"By the clock of the sandbox."`
	Livemode bool      `json:"livemode" doc:"false"`
}

func (s *Resource) messages(context.Context, *struct{}) (*rest.Answer[rest.List[Received]], error) {
	if s.Desk == nil {
		return nil, problem.New(problem.NotFound)
	}
	return rest.Answering(rest.List[Received]{Data: append([]Received{}, s.Desk.Messages()...)}), nil
}

// MaxAdvance bounds by how much a clock can be ahead.
const MaxAdvance = 10 * 365 * 24 * time.Hour

// AdvanceInput says by how much.
type AdvanceInput struct {
	Body struct {
		Seconds int64 `json:"seconds" minimum:"1" maximum:"31536000" doc:"By so many seconds."`
	}
}

// ClockTime is what the clock of a sandbox says.
type ClockTime struct {
	Now      time.Time `json:"now"`
	Livemode bool      `json:"livemode" doc:"false"`
}

func (s *Resource) advance(ctx context.Context, in *AdvanceInput) (*rest.Answer[ClockTime], error) {
	if s.Desk == nil {
		return nil, problem.New(problem.NotFound)
	}
	now, err := s.Desk.Advance(ctx, time.Duration(in.Body.Seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	return rest.Answering(ClockTime{Now: now.UTC()}), nil
}

func (s *Resource) clock(context.Context, *struct{}) (*rest.Answer[ClockTime], error) {
	if s.Desk == nil {
		return nil, problem.New(problem.NotFound)
	}
	return rest.Answering(ClockTime{Now: s.Desk.Now().UTC()}), nil
}

func hexadecimal(status uint32) string {
	const word = "0x00000000"
	text := []byte(word)
	for i := len(text) - 1; status != 0; i-- {
		text[i] = "0123456789abcdef"[status&15]
		status >>= 4
	}
	return string(text)
}
