package verify

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/message"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/numberdb"
)

const tag = "verifications"

// Register adds the operations.
func (s *Service) Register(api huma.API) {
	s.registerWorkflows(api)
	sends := []problem.Code{
		problem.InvalidNumber, problem.NumberIsMask, problem.EmergencyNumber, problem.OptedOut, problem.CapabilityUnavailable,
		problem.CarrierUnavailable, problem.PoolExhausted, problem.RateLimited, problem.NotFound,
		problem.QuotaExceeded,
	}
	rest.Register(api, rest.Operation{
		ID: "startVerification", Method: http.MethodPost, Path: "/v1/verifications", Tag: tag, Scope: auth.VerificationsWrite,
		Summary: "Send a code to a number", Idempotent: true, Status: http.StatusCreated, Problems: sends,
		Text: "The answer comes when a carrier has the message with the code. With any problem, nothing was sent and nothing is kept.",
	}, s.start)
	rest.Register(api, rest.Operation{
		ID: "getVerification", Method: http.MethodGet, Path: "/v1/verifications/{id}", Tag: tag, Scope: auth.VerificationsRead,
		Summary: "Read a verification and its timeline",
	}, s.get)
	rest.Register(api, rest.Operation{
		ID: "resendVerification", Method: http.MethodPost, Path: "/v1/verifications/{id}/resend", Tag: tag, Scope: auth.VerificationsWrite,
		Summary: "Send a new code", Idempotent: true, Problems: append(sends, problem.CodeExpired, problem.AttemptsExhausted),
		Text: "The code before is worth nothing then; guesses that were made still count. The intervals grow: rate-limited says when.",
	}, s.sendAgain)
	checks := []problem.Code{problem.CodeWrong, problem.CodeExpired, problem.AttemptsExhausted, problem.NotFound}
	rest.Register(api, rest.Operation{
		ID: "checkVerification", Method: http.MethodPost, Path: "/v1/verifications/{id}/check", Tag: tag, Scope: auth.VerificationsWrite,
		Summary: "Compare a code", Text: "Each guess counts. next_step says what to do after it.", Problems: checks,
	}, s.check)
	rest.Register(api, rest.Operation{
		ID: "verifyCode", Method: http.MethodPost, Path: "/v1/rpc/verifyCode", Tag: tag, Scope: auth.VerificationsWrite,
		Summary: "Compare a code", Text: "The same as checkVerification.", Problems: checks,
	}, s.verifyCode)
	rest.Register(api, rest.Operation{
		ID: "verificationStatistics", Method: http.MethodGet, Path: "/v1/stats/verifications", Tag: tag, Scope: auth.VerificationsRead,
		Summary: "Read how verifications went", Text: "By prefix: how many were verified, and how fast.",
	}, s.statistics)
}

// StartInput is a verification to begin.
type StartInput struct {
	Body struct {
		Workflow   string `json:"workflow_id" maxLength:"64"`
		To         string `json:"to" maxLength:"16" doc:"The number, with +."`
		CodeLength int    `json:"code_length,omitempty" minimum:"4" maximum:"10" doc:"Digits of the code; none: as the workflow says."`
		TTL        int64  `json:"ttl,omitempty" minimum:"30" maximum:"3600" doc:"Seconds that the first code is good for; none: as the workflow says."`
	}
}

// VerificationAnswer is a verification.
type VerificationAnswer struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true where the same request has done it before."`
	Body     Verification
}

func (s *Service) start(ctx context.Context, in *StartInput) (*VerificationAnswer, error) {
	workflow, err := numberdb.ParseID(numberdb.WorkflowPrefix, in.Body.Workflow)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	if s.numbers.Emergency(in.Body.To) {
		return nil, problem.New(problem.EmergencyNumber)
	}
	to, err := message.Number(in.Body.To, "body.to")
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	v, replayed, err := s.Begin(ctx, &Start{
		Tenant: who.Scoped(""), Workflow: workflow, To: to, Digits: in.Body.CodeLength, TTL: time.Duration(in.Body.TTL) * time.Second, Attempt: rest.Attempt(ctx),
	})
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, &v, replayed)
}

// answer shows a verification with its timeline.
func (s *Service) answer(ctx context.Context, v *numberdb.Verification, replayed bool) (*VerificationAnswer, error) {
	messages, err := s.messages.List(ctx, v.Tenant, numberdb.MessageQuery{Verification: v.ID, Limit: mostMessages})
	if err != nil {
		s.log.Warn("the timeline of a verification cannot be read; it is told without")
	}
	who := auth.From(ctx)
	out := &VerificationAnswer{Body: shown(v, messages, s.now(), &who)}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// mostMessages of one verification.
const mostMessages = 100

// OneVerification is the path of one.
type OneVerification struct {
	ID string `path:"id" maxLength:"64" doc:"The verification, such as ver_0d2k9x4m1qz7c."`
}

func idOf(text string) (numberdb.ID, error) {
	id, err := numberdb.ParseID(numberdb.VerificationPrefix, text)
	if err != nil {
		return 0, problem.New(problem.NotFound)
	}
	return id, nil
}

func (s *Service) get(ctx context.Context, in *OneVerification) (*VerificationAnswer, error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	v, err := s.Get(ctx, who.Scoped(""), id)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, &v, false)
}

func (s *Service) sendAgain(ctx context.Context, in *OneVerification) (*VerificationAnswer, error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	v, replayed, err := s.Resend(ctx, who.Scoped(""), id, rest.Attempt(ctx))
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, &v, replayed)
}

// CheckInput is a guess.
type CheckInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The verification, such as ver_0d2k9x4m1qz7c."`
	Body struct {
		Code string `json:"code" pattern:"^[0-9]{4,10}$" doc:"What the person has typed in."`
	}
}

func (s *Service) check(ctx context.Context, in *CheckInput) (*rest.Answer[Checked], error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	v, err := s.Check(ctx, who.Scoped(""), id, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return rest.Answering(Checked{Success: true, AttemptsLeft: v.Most - v.Tries, NextStep: stepContinue}), nil
}

// TypedCodeInput is a guess by the other name.
type TypedCodeInput struct {
	Body struct {
		ID   string `json:"verification_id" maxLength:"64"`
		Code string `json:"code" pattern:"^[0-9]{4,10}$" doc:"What the person has typed in."`
	}
}

func (s *Service) verifyCode(ctx context.Context, in *TypedCodeInput) (*rest.Answer[Checked], error) {
	var check CheckInput
	check.ID, check.Body.Code = in.Body.ID, in.Body.Code
	return s.check(ctx, &check)
}

// StatisticsInput says of which time.
type StatisticsInput struct {
	Hours int `query:"hours" minimum:"1" maximum:"720" default:"24" doc:"How many hours back."`
}

func (s *Service) statistics(ctx context.Context, in *StatisticsInput) (*rest.Answer[Statistics], error) {
	until := s.now()
	since := until.Add(-time.Duration(in.Hours) * time.Hour)
	who := auth.From(ctx)
	tenant := who.Scoped("")
	counts, err := s.store.CountVerifications(ctx, numberdb.VerificationQuery{Tenant: tenant, Since: since})
	if err != nil {
		return nil, s.fault(err)
	}
	return rest.Answering(statisticsOf(counts, since, until)), nil
}
