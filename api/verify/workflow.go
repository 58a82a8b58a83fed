package verify

import (
	"context"
	"slices"
	"strings"

	"maskline/api/problem"
	"maskline/numberdb"
)

// placeholder stands for the code in templates.
const placeholder = "{code}"

// channelSMS is the one channel that there is.
const channelSMS = "sms"

// Workflow returns a tenant's; tenant "*" is anybody's.
func (s *Service) Workflow(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Workflow, error) {
	all, err := s.store.Workflows(ctx, tenant)
	if err != nil {
		return numberdb.Workflow{}, s.fault(err)
	}
	at := slices.IndexFunc(all, func(w numberdb.Workflow) bool { return w.ID == id })
	if at < 0 {
		return numberdb.Workflow{}, problem.New(problem.NotFound)
	}
	return all[at], nil
}

// Workflows returns those of a tenant.
func (s *Service) Workflows(ctx context.Context, tenant string) ([]numberdb.Workflow, error) {
	all, err := s.store.Workflows(ctx, tenant)
	if err != nil {
		return nil, s.fault(err)
	}
	return all, nil
}

// Put keeps a workflow whose template can be sent. One without an ID is new.
func (s *Service) Put(ctx context.Context, w *numberdb.Workflow) error {
	if err := s.fits(w); err != nil {
		return err
	}
	w.Updated = s.now()
	if w.ID == 0 {
		all, err := s.Workflows(ctx, w.Tenant)
		if err != nil {
			return err
		}
		if len(all) >= mostWorkflows {
			return &problem.Error{Code: problem.QuotaExceeded, Reason: "workflows"}
		}
		w.ID, w.Created = s.ids.Next(w.Updated), w.Updated
	}
	if err := s.store.PutWorkflow(ctx, w); err != nil {
		return s.fault(err)
	}
	return nil
}

// mostWorkflows of one tenant.
const mostWorkflows = 100

// Delete forgets a workflow. Verifications under way can be checked, but get no
// other code.
func (s *Service) Delete(ctx context.Context, tenant string, id numberdb.ID) error {
	if err := s.store.DeleteWorkflow(ctx, tenant, id); err != nil {
		return s.fault(err)
	}
	return nil
}

// fits tells every fault of a workflow at once.
func (s *Service) fits(w *numberdb.Workflow) error {
	p := problem.New(problem.ValidationFailed)
	fault := func(field, expected string) {
		p.Fields = append(p.Fields, problem.Field{Field: field, Problem: expected})
	}
	switch {
	case strings.Count(w.Template, placeholder) != 1:
		fault("body.template", "expected a text with {code} in it, once")
	case !s.alphabet.OneSegment(strings.Replace(w.Template, placeholder, strings.Repeat("0", numberdb.MaxCode), 1)):
		fault("body.template", "expected a text of the GSM alphabet that takes one short message with a code of 10 digits")
	}
	if !slices.Equal(w.Channels, []string{channelSMS}) {
		fault("body.channels", `expected ["sms"]`)
	}
	switch {
	case (w.Sender == 0) == (w.Pool == ""):
		fault("body.sender", "expected a sender or a pool, and not both")
	case len(s.numbers.Senders(w.Tenant, w.Sender, w.Pool)) > 0:
	case w.Sender != 0:
		fault("body.sender", "expected a mask of yours that carries messages")
	default:
		fault("body.pool", "expected a pool that there is for you, with masks that carry messages")
	}
	if len(p.Fields) > 0 {
		return p
	}
	return nil
}
