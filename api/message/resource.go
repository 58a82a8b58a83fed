package message

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
	"maskline/numberdb"
)

// Message is a message as the API shows it. It holds no text and no number.
type Message struct {
	ID           string     `json:"id" doc:"Such as msg_0d2k9x4m1qz7c."`
	Tenant       string     `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	Session      string     `json:"session,omitempty" doc:"Through which it went."`
	Verification string     `json:"verification,omitempty" doc:"Whose code it holds."`
	Direction    string     `json:"direction" enum:"outbound" doc:"The edge wrote it."`
	State        string     `json:"state" enum:"accepted,submitted,delivered,undelivered,expired,rejected,unknown" doc:"How far it has come."`
	Segments     int        `json:"segments,omitempty" doc:"Short messages that it takes on the air."`
	CreatedAt    time.Time  `json:"created_at"`
	SubmittedAt  *time.Time `json:"submitted_at,omitempty" doc:"When a carrier had it."`
	EndedAt      *time.Time `json:"ended_at,omitempty" doc:"When its state became final."`
	Livemode     bool       `json:"livemode" doc:"false: of the sandbox."`
}

// DeliveryStatus is what became of a message.
type DeliveryStatus struct {
	ID          string            `json:"id"`
	State       string            `json:"state" enum:"accepted,submitted,delivered,undelivered,expired,rejected,unknown" doc:"Delivered is what the network has confirmed, and nothing less."`
	Final       bool              `json:"final" doc:"The state will not change any more."`
	Segments    int               `json:"segments,omitempty" doc:"Short messages that it takes on the air."`
	Carrier     string            `json:"carrier,omitempty" doc:"That has it, or may have it."`
	CarrierCode string            `json:"carrier_code,omitempty" doc:"The network's error code."`
	Attempts    []DeliveryAttempt `json:"attempts" nullable:"false" doc:"Attempts to hand it to carriers."`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// DeliveryAttempt is an attempt.
type DeliveryAttempt struct {
	Carrier string `json:"carrier"`
	Outcome string `json:"outcome" enum:"accepted,refused,no_answer"`
	Status  string `json:"status,omitempty" doc:"SMPP command_status of a refusal, such as 0x00000058."`
}

func shown(ctx context.Context, m *numberdb.Message) Message {
	who := auth.From(ctx)
	out := Message{
		ID: m.ID.Text(numberdb.MessagePrefix), Tenant: m.Tenant, Direction: "outbound", State: m.State.String(),
		Segments: m.Segments, CreatedAt: m.Created.UTC(), SubmittedAt: instant(m.Submitted), EndedAt: instant(m.Ended), Livemode: !who.Test,
	}
	if m.Session != 0 {
		out.Session = m.Session.Text(numberdb.SessionPrefix)
	}
	if m.Verification != 0 {
		out.Verification = m.Verification.Text(numberdb.VerificationPrefix)
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

func statusOf(m *numberdb.Message) DeliveryStatus {
	out := DeliveryStatus{
		ID: m.ID.Text(numberdb.MessagePrefix), State: m.State.String(), Final: m.State.Final(), Segments: m.Segments, Carrier: m.Carrier,
		Attempts: make([]DeliveryAttempt, len(m.Tries)), UpdatedAt: m.Created.UTC(),
	}
	if m.Code != 0 {
		out.CarrierCode = strconv.Itoa(m.Code)
	}
	for _, t := range []time.Time{m.Submitted, m.Ended} {
		if !t.IsZero() {
			out.UpdatedAt = t.UTC()
		}
	}
	for i, try := range m.Tries {
		out.Attempts[i] = DeliveryAttempt{Carrier: try.Carrier, Outcome: "accepted"}
		switch {
		case try.Silent:
			out.Attempts[i].Outcome = "no_answer"
		case try.Status != 0:
			out.Attempts[i].Outcome, out.Attempts[i].Status = "refused", hexadecimal(try.Status)
		default:
		}
	}
	return out
}

func hexadecimal(status uint32) string {
	const digits = 8
	text := strconv.FormatUint(uint64(status), 16)
	for len(text) < digits {
		text = "0" + text
	}
	return "0x" + text
}

const sessionMessages = "/v1/sessions/{id}/messages"

// Register adds the operations.
func (s *Service) Register(api huma.API) {
	rest.Register(api, rest.Operation{
		ID: "sendMessage", Method: http.MethodPost, Path: sessionMessages, Tag: "messages", Scope: auth.MessagesWrite,
		Summary: "Send a message through a session", Idempotent: true, Status: http.StatusCreated,
		Text: "The answer comes when a carrier has the message: 201, or 202 with state unknown where the carrier was silent. " +
			"A receipt of the network makes it delivered. With any problem, nothing was sent.",
		Problems: []problem.Code{
			problem.SessionClosed, problem.CapabilityUnavailable, problem.OptedOut, problem.CarrierUnavailable, problem.NumberIsMask, problem.InvalidNumber,
			problem.QuotaExceeded,
		},
	}, s.send)
	// The document knows one success of an operation; this one has two.
	responses := api.OpenAPI().Paths[sessionMessages].Post.Responses
	silent := *responses[strconv.Itoa(http.StatusCreated)]
	silent.Description = "Handed to a carrier that did not answer in time, or a repetition of such a request."
	responses[strconv.Itoa(http.StatusAccepted)] = &silent
	rest.Register(api, rest.Operation{
		ID: "listMessages", Method: http.MethodGet, Path: sessionMessages, Tag: "messages", Scope: auth.MessagesRead,
		Summary: "List the messages that were sent through a session",
	}, s.list)
	rest.Register(api, rest.Operation{
		ID: "getMessage", Method: http.MethodGet, Path: "/v1/messages/{id}", Tag: "messages", Scope: auth.MessagesRead, Summary: "Read a message",
	}, s.get)
	rest.Register(api, rest.Operation{
		ID: "getMessageStatus", Method: http.MethodGet, Path: "/v1/messages/{id}/status", Tag: "messages", Scope: auth.MessagesRead,
		Summary: "Read what became of a message",
	}, s.status)
	rest.Register(api, rest.Operation{
		ID: "getDeliveryStatus", Method: http.MethodPost, Path: "/v1/rpc/getDeliveryStatus", Tag: "messages", Scope: auth.MessagesRead,
		Summary: "Read what became of a message", Text: "The same as getMessageStatus.", Problems: []problem.Code{problem.NotFound},
	}, s.deliveryStatus)
}

// SendMessageInput is a message to be sent.
type SendMessageInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The session, such as ses_0d2k9x4m1qz7c."`
	Body struct {
		From string `json:"from" maxLength:"16" doc:"Number of the participant who writes, with +. The other one gets the message from the mask by which it knows this one."`
		Text string `json:"text" minLength:"1" maxLength:"1600" doc:"What it says. It is not kept."`
	}
}

// SentMessage is the answer.
type SentMessage struct {
	Status   int
	Replayed string `header:"Idempotent-Replayed" doc:"true where the same request has sent it before."`
	Body     Message
}

func (s *Service) send(ctx context.Context, in *SendMessageInput) (*SentMessage, error) {
	session, err := numberdb.ParseID(numberdb.SessionPrefix, in.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	from, err := Number(in.Body.From, "body.from")
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	m, replayed, err := s.Send(ctx, &Through{
		Tenant: who.Scoped(""), Session: session, From: from, Text: in.Body.Text, Attempt: rest.Attempt(ctx),
	})
	if err != nil {
		return nil, err
	}
	out := &SentMessage{Status: http.StatusCreated, Body: shown(ctx, &m)}
	if m.State == numberdb.MessageUncertain || m.State == numberdb.MessageAccepted {
		out.Status = http.StatusAccepted
	}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// Number reads a number of a request.
func Number(text, field string) (e164.Number, error) {
	n, err := e164.Parse(text)
	if err != nil || text == "" || text[0] != '+' {
		return 0, &problem.Error{Code: problem.InvalidNumber, Fields: []problem.Field{{Field: field, Problem: "expected a plus and 7 to 15 digits"}}}
	}
	return n, nil
}

// OneMessage is the path of one message.
type OneMessage struct {
	ID string `path:"id" maxLength:"64" doc:"The message, such as msg_0d2k9x4m1qz7c."`
}

func (s *Service) find(ctx context.Context, text string) (numberdb.Message, error) {
	id, err := numberdb.ParseID(numberdb.MessagePrefix, text)
	if err != nil {
		return numberdb.Message{}, problem.New(problem.NotFound)
	}
	who := auth.From(ctx)
	return s.Get(ctx, who.Scoped(""), id)
}

func (s *Service) get(ctx context.Context, in *OneMessage) (*rest.Answer[Message], error) {
	m, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return rest.Answering(shown(ctx, &m)), nil
}

func (s *Service) status(ctx context.Context, in *OneMessage) (*rest.Answer[DeliveryStatus], error) {
	m, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return rest.Answering(statusOf(&m)), nil
}

// DeliveryStatusInput names a message.
type DeliveryStatusInput struct {
	Body struct {
		MessageID string `json:"message_id" maxLength:"64" doc:"Such as msg_0d2k9x4m1qz7c."`
	}
}

func (s *Service) deliveryStatus(ctx context.Context, in *DeliveryStatusInput) (*rest.Answer[DeliveryStatus], error) {
	return s.status(ctx, &OneMessage{in.Body.MessageID})
}

// SessionMessages is the path of a session's messages.
type SessionMessages struct {
	ID string `path:"id" maxLength:"64" doc:"The session, such as ses_0d2k9x4m1qz7c."`
	rest.Page
}

func (s *Service) list(ctx context.Context, in *SessionMessages) (*rest.Answer[rest.List[Message]], error) {
	session, err := numberdb.ParseID(numberdb.SessionPrefix, in.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	after, err := in.AfterID(numberdb.MessagePrefix)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	if _, err := s.session(ctx, who.Scoped(""), session); err != nil {
		return nil, err
	}
	found, err := s.List(ctx, who.Scoped(""), numberdb.MessageQuery{Session: session, After: after, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := rest.List[Message]{Data: make([]Message, len(found))}
	for i := range found {
		out.Data[i] = shown(ctx, &found[i])
	}
	if len(found) == in.Limit {
		out.NextCursor = rest.Next(found[len(found)-1].ID.Text(numberdb.MessagePrefix))
	}
	return rest.Answering(out), nil
}
