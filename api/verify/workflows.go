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

func (s *Service) registerWorkflows(api huma.API) {
	const path = "/v1/workflows"
	rest.Register(api, rest.Operation{
		ID: "createWorkflow", Method: http.MethodPost, Path: path, Tag: tag, Scope: auth.VerificationsWrite, Status: http.StatusCreated,
		Summary: "Say how users are verified", Problems: []problem.Code{problem.InvalidNumber, problem.QuotaExceeded},
	}, s.createWorkflow)
	rest.Register(api, rest.Operation{
		ID: "listWorkflows", Method: http.MethodGet, Path: path, Tag: tag, Scope: auth.VerificationsRead, Summary: "List workflows",
	}, s.listWorkflows)
	rest.Register(api, rest.Operation{
		ID: "getWorkflow", Method: http.MethodGet, Path: path + "/{id}", Tag: tag, Scope: auth.VerificationsRead, Summary: "Read a workflow",
	}, s.getWorkflow)
	rest.Register(api, rest.Operation{
		ID: "replaceWorkflow", Method: http.MethodPut, Path: path + "/{id}", Tag: tag, Scope: auth.VerificationsWrite,
		Summary: "Change a workflow", Text: "Codes that are sent from then on follow it.", Problems: []problem.Code{problem.InvalidNumber},
	}, s.replaceWorkflow)
	rest.Register(api, rest.Operation{
		ID: "deleteWorkflow", Method: http.MethodDelete, Path: path + "/{id}", Tag: tag, Scope: auth.VerificationsWrite,
		Summary: "Delete a workflow", Text: "Codes that were sent can still be checked.",
	}, s.deleteWorkflow)
}

// WorkflowBody is a workflow to be kept.
type WorkflowBody struct {
	Name     string   `json:"name" minLength:"1" maxLength:"64" doc:"Your own, one of a kind."`
	Template string   `json:"template" minLength:"6" maxLength:"160" doc:"The message, with {code} in it. With a code of 10 digits it has to fit into one short message of the GSM alphabet."`
	Sender   string   `json:"sender,omitempty" maxLength:"16" doc:"The mask that writes; none: one of the pool."`
	Pool     string   `json:"pool,omitempty" maxLength:"64" doc:"The pool of the masks that write."`
	Channels []string `json:"channels,omitempty" maxItems:"8" doc:"By which codes are sent, in order; there is sms. None: sms."`
	Length   int      `json:"code_length,omitempty" minimum:"4" maximum:"10" default:"6" doc:"Digits of a code."`
	TTL      int64    `json:"ttl,omitempty" minimum:"30" maximum:"3600" default:"600" doc:"Seconds that a code is good for."`
	Attempts int      `json:"attempts,omitempty" minimum:"1" maximum:"10" default:"5" doc:"Guesses for one verification."`
	Codes    int      `json:"codes,omitempty" minimum:"1" maximum:"10" default:"3" doc:"Codes for one verification."`
}

func (b *WorkflowBody) fill(w *numberdb.Workflow) (err error) {
	w.Name, w.Template, w.Pool, w.Channels = b.Name, b.Template, b.Pool, b.Channels
	w.Digits, w.TTL, w.Tries, w.Sends = b.Length, time.Duration(b.TTL)*time.Second, b.Attempts, b.Codes
	if len(w.Channels) == 0 {
		w.Channels = []string{channelSMS}
	}
	w.Sender = 0
	if b.Sender != "" {
		w.Sender, err = message.Number(b.Sender, "body.sender")
	}
	return err
}

// CreateWorkflowInput is a new workflow.
type CreateWorkflowInput struct {
	Tenant string `query:"tenant" maxLength:"64" doc:"Of keys of the operator: whose it is to be; none: the operator's own."`
	Body   WorkflowBody
}

func (s *Service) createWorkflow(ctx context.Context, in *CreateWorkflowInput) (*rest.Answer[Workflow], error) {
	who := auth.From(ctx)
	w := numberdb.Workflow{Tenant: who.Tenant}
	if who.Operator() {
		w.Tenant = in.Tenant
	}
	return s.put(ctx, &w, &in.Body)
}

func (s *Service) put(ctx context.Context, w *numberdb.Workflow, body *WorkflowBody) (*rest.Answer[Workflow], error) {
	if err := body.fill(w); err != nil {
		return nil, err
	}
	if err := s.Put(ctx, w); err != nil {
		return nil, err
	}
	return rest.Answering(workflowOf(w)), nil
}

// OneWorkflow is the path of one.
type OneWorkflow struct {
	ID string `path:"id" maxLength:"64" doc:"The workflow, such as wfl_0d2k9x4m1qz7c."`
}

func (s *Service) find(ctx context.Context, text string) (w numberdb.Workflow, err error) {
	id, err := numberdb.ParseID(numberdb.WorkflowPrefix, text)
	if err != nil {
		return w, problem.New(problem.NotFound)
	}
	who := auth.From(ctx)
	return s.Workflow(ctx, who.Scoped(""), id)
}

func (s *Service) getWorkflow(ctx context.Context, in *OneWorkflow) (*rest.Answer[Workflow], error) {
	w, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return rest.Answering(workflowOf(&w)), nil
}

// ReplaceWorkflowInput is a workflow as it is to be.
type ReplaceWorkflowInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The workflow, such as wfl_0d2k9x4m1qz7c."`
	Body WorkflowBody
}

func (s *Service) replaceWorkflow(ctx context.Context, in *ReplaceWorkflowInput) (*rest.Answer[Workflow], error) {
	w, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.put(ctx, &w, &in.Body)
}

func (s *Service) deleteWorkflow(ctx context.Context, in *OneWorkflow) (*struct{}, error) {
	w, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Delete(ctx, w.Tenant, w.ID)
}

func (s *Service) listWorkflows(ctx context.Context, _ *struct{}) (*rest.Answer[rest.List[Workflow]], error) {
	who := auth.From(ctx)
	all, err := s.Workflows(ctx, who.Scoped(""))
	if err != nil {
		return nil, err
	}
	out := rest.List[Workflow]{Data: make([]Workflow, len(all))}
	for i := range all {
		out.Data[i] = workflowOf(&all[i])
	}
	return rest.Answering(out), nil
}
