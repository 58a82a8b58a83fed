package sandbox

import (
	"context"
	"time"

	"maskline/api/problem"
	"maskline/api/rest"
)

// CallInput is a call of a person.
type CallInput struct {
	Body struct {
		From    string `json:"from" maxLength:"16" doc:"Who calls, with +: a number of a range for fiction."`
		To      string `json:"to" maxLength:"16" doc:"The mask, with +."`
		Seconds int    `json:"seconds,omitempty" minimum:"1" maximum:"5" default:"1" doc:"How long they talk, where it is answered."`
	}
}

// CallAnswer is what the caller has met with.
type CallAnswer struct {
	Answered bool    `json:"answered"`
	Code     int     `json:"code,omitempty" doc:"SIP code by which it was not answered."`
	Heard    bool    `json:"heard" doc:"The caller has heard the other side: media went through."`
	Seconds  float64 `json:"setup_seconds" doc:"From the call to its answer or refusal."`
	Livemode bool    `json:"livemode" doc:"false"`
}

func (s *Resource) call(ctx context.Context, in *CallInput) (*rest.Answer[CallAnswer], error) {
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
	answer, err := s.Desk.Call(ctx, from, to, time.Duration(in.Body.Seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	return rest.Answering(answer), nil
}

// Called is a call that has come to a person of the sandbox.
type Called struct {
	From     string    `json:"from" doc:"The mask that the person sees."`
	To       string    `json:"to" doc:"The person."`
	Carrier  string    `json:"carrier" doc:"Which of the simulated carriers had it."`
	At       time.Time `json:"at" doc:"By the clock of the sandbox."`
	Livemode bool      `json:"livemode" doc:"false"`
}

func (s *Resource) calls(context.Context, *struct{}) (*rest.Answer[rest.List[Called]], error) {
	if s.Desk == nil {
		return nil, problem.New(problem.NotFound)
	}
	return rest.Answering(rest.List[Called]{Data: append([]Called{}, s.Desk.Calls()...)}), nil
}
