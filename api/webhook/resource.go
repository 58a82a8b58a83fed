package webhook

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/numberdb"
)

// EndpointDesk keeps endpoints and their logs. numberdb's stores do.
type EndpointDesk interface {
	numberdb.EndpointStore
	numberdb.DeliveryLog
}

// Endpoints is the resource /v1/webhook-endpoints.
type Endpoints struct {
	Store   EndpointDesk
	Sender  *Sender
	Tenant  func(name string) bool // whether there is such a tenant
	Changed func()                 // is called after each change
	Now     func() time.Time
	Mode    Mode // of the events

	ids     numberdb.IDs
	mu      sync.Mutex
	testing map[string]int // test posts under way, by tenant; none is 0
	tests   int            // all of them
}

// Bounds of what one tenant has and asks for.
const (
	mostEndpoints = 50
	mostTests     = 4 // at a time
	mostReplayed  = 1_000

	allTests = 32 // at a time, of all tenants
)

// Register adds the operations.
func (s *Endpoints) Register(api huma.API) {
	op := func(id, method, path, summary string, scope auth.Scope, more ...problem.Code) rest.Operation {
		return rest.Operation{ID: id, Method: method, Path: "/v1/webhook-endpoints" + path, Summary: summary, Tag: "webhooks", Scope: scope, Problems: more}
	}
	create := op("createWebhookEndpoint", http.MethodPost, "", "Have events posted", auth.WebhooksWrite, problem.QuotaExceeded)
	create.Status = http.StatusCreated
	rest.Register(api, create, s.create)
	rest.Register(api, op("listWebhookEndpoints", http.MethodGet, "", "List endpoints", auth.WebhooksRead), s.list)
	rest.Register(api, op("getWebhookEndpoint", http.MethodGet, "/{id}", "Read an endpoint", auth.WebhooksRead), s.get)
	rest.Register(api, op("updateWebhookEndpoint", http.MethodPatch, "/{id}", "Change an endpoint", auth.WebhooksWrite, problem.PreconditionFailed), s.update)
	rest.Register(api, op("deleteWebhookEndpoint", http.MethodDelete, "/{id}", "Delete an endpoint and its log", auth.WebhooksWrite), s.remove)
	rest.Register(api, op("rotateWebhookSecret", http.MethodPost, "/{id}/rotate-secret", "Replace the signing secret", auth.WebhooksWrite, problem.PreconditionFailed), s.rotate)
	rest.Register(api, op("listWebhookDeliveries", http.MethodGet, "/{id}/deliveries", "Read what became of events, newest first", auth.WebhooksRead), s.deliveries)
	rest.Register(api, op("replayWebhookEvents", http.MethodPost, "/{id}/replay", "Post events again", auth.WebhooksWrite), s.replay)
	rest.Register(api, op("testWebhookEndpoint", http.MethodPost, "/{id}/test", "Post a test event now", auth.WebhooksWrite, problem.RateLimited), s.test)
}

func tenantOf(ctx context.Context, asked string) (string, error) {
	who := auth.From(ctx)
	if who.Operator() {
		return asked, nil
	}
	if asked != "" && asked != who.Tenant {
		return "", problem.New(problem.NotFound)
	}
	return who.Tenant, nil
}

func (s *Endpoints) create(ctx context.Context, in *EndpointInput) (*EndpointAnswer, error) {
	tenant, err := tenantOf(ctx, in.Body.Tenant)
	if err != nil {
		return nil, err
	}
	if tenant != "" && !s.Tenant(tenant) {
		return nil, problem.Invalid("body.tenant", "expected a tenant that there is")
	}
	now := s.Now().Truncate(time.Microsecond)
	e := &numberdb.WebhookEndpoint{
		ID: s.ids.Next(now), Tenant: tenant, URL: in.Body.URL, Types: texts(in.Body.Types), Label: in.Body.Label, Created: now.UTC(),
		Secrets: []numberdb.WebhookSecret{NewSecret(in.Body.Scheme == "v1a")},
	}
	if err := s.check(e); err != nil {
		return nil, err
	}
	known, err := s.Store.Endpoints(ctx, tenant, 0)
	if err != nil {
		return nil, problem.Unavailable()
	}
	if len(known) >= mostEndpoints {
		return nil, &problem.Error{Code: problem.QuotaExceeded, Detail: "There are as many webhook endpoints as one tenant may have."}
	}
	return s.put(ctx, e, 0)
}

// check tells every fault of what a client may have written.
func (s *Endpoints) check(e *numberdb.WebhookEndpoint) error {
	err := e.Check()
	field := map[error]string{numberdb.ErrEndpointURL: "body.url", numberdb.ErrEndpointTypes: "body.types", numberdb.ErrLabel: "body.label"}
	for fault, name := range field {
		if errors.Is(err, fault) {
			return problem.Invalid(name, fault.Error())
		}
	}
	if err != nil {
		return err
	}
	if err := s.Sender.CheckURL(e.URL); err != nil {
		return problem.Invalid("body.url", err.Error())
	}
	return nil
}

// put writes; the secret at whole is shown, -1 is none.
func (s *Endpoints) put(ctx context.Context, e *numberdb.WebhookEndpoint, whole int) (*EndpointAnswer, error) {
	version, err := s.Store.PutEndpoint(ctx, e)
	switch {
	case errors.Is(err, numberdb.ErrWebhook):
		return nil, problem.New(problem.PreconditionFailed)
	case err != nil:
		return nil, problem.Unavailable()
	}
	e.Version = version
	s.Changed()
	return s.answer(e, whole), nil
}

func (s *Endpoints) answer(e *numberdb.WebhookEndpoint, whole int) *EndpointAnswer {
	out := Endpoint{
		ID: e.ID.Text(numberdb.EndpointPrefix), Tenant: e.Tenant, URL: e.URL, Types: e.Types, Label: e.Label, State: e.State.String(), CreatedAt: e.Created,
		Secrets: []Secret{},
	}
	if out.Types == nil {
		out.Types = []string{}
	}
	for i := range e.Secrets {
		of := &e.Secrets[i]
		if !of.Until.IsZero() && !s.Now().Before(of.Until) {
			continue
		}
		shown := Secret{Scheme: "v1"}
		switch {
		case of.Ed:
			shown.Scheme, shown.Public = "v1a", Shown(of)
		case i == whole:
			shown.Secret = Shown(of)
		}
		if !of.Until.IsZero() {
			until := of.Until
			shown.Expires = &until
		}
		out.Secrets = append(out.Secrets, shown)
	}
	return &EndpointAnswer{ETag: etag(e), Body: out}
}

func etag(e *numberdb.WebhookEndpoint) string { return `"` + strconv.FormatInt(e.Version, 10) + `"` }

func (s *Endpoints) list(ctx context.Context, in *EndpointsInput) (*rest.Answer[rest.List[Endpoint]], error) {
	tenant, err := tenantOf(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	found, err := s.Store.Endpoints(ctx, tenant, 0)
	if err != nil {
		return nil, problem.Unavailable()
	}
	list := rest.List[Endpoint]{Data: make([]Endpoint, len(found))}
	for i := range found {
		list.Data[i] = s.answer(&found[i], -1).Body
	}
	return rest.Answering(list), nil
}

// find reads the endpoint of a path; a foreign one does not exist.
func (s *Endpoints) find(ctx context.Context, in *EndpointID) (*numberdb.WebhookEndpoint, error) {
	tenant, err := tenantOf(ctx, in.Tenant)
	if err != nil {
		return nil, err
	}
	id, err := numberdb.ParseID(numberdb.EndpointPrefix, in.ID)
	if err != nil {
		return nil, problem.New(problem.NotFound)
	}
	found, err := s.Store.Endpoints(ctx, tenant, id)
	switch {
	case err != nil:
		return nil, problem.Unavailable()
	case len(found) == 0:
		return nil, problem.New(problem.NotFound)
	}
	return &found[0], nil
}

func (s *Endpoints) get(ctx context.Context, in *EndpointID) (*EndpointAnswer, error) {
	e, err := s.find(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.answer(e, -1), nil
}

func (s *Endpoints) update(ctx context.Context, in *EndpointChange) (*EndpointAnswer, error) {
	e, err := s.find(ctx, &in.EndpointID)
	if err != nil {
		return nil, err
	}
	if in.Match != "" && in.Match != "*" && in.Match != etag(e) {
		return nil, problem.New(problem.PreconditionFailed)
	}
	if in.Body.URL != nil {
		e.URL = *in.Body.URL
	}
	if in.Body.Types != nil {
		e.Types = texts(*in.Body.Types)
	}
	if in.Body.Label != nil {
		e.Label = *in.Body.Label
	}
	if in.Body.Enabled != nil {
		switch {
		case *in.Body.Enabled:
			e.State = numberdb.EndpointOn
		case e.State == numberdb.EndpointOn:
			e.State = numberdb.EndpointOff
		}
	}
	if err := s.check(e); err != nil {
		return nil, err
	}
	return s.put(ctx, e, -1)
}

func (s *Endpoints) remove(ctx context.Context, in *EndpointID) (*struct{}, error) {
	e, err := s.find(ctx, in)
	if err != nil {
		return nil, err
	}
	switch err := s.Store.RemoveEndpoint(ctx, e.Tenant, e.ID); {
	case errors.Is(err, numberdb.ErrWebhook):
		return nil, problem.New(problem.NotFound)
	case err != nil:
		return nil, problem.Unavailable()
	}
	s.Changed()
	return nil, nil //nolint:nilnil // 204
}

func (s *Endpoints) rotate(ctx context.Context, in *EndpointRotation) (*EndpointAnswer, error) {
	e, err := s.find(ctx, &in.EndpointID)
	if err != nil {
		return nil, err
	}
	now := s.Now().Truncate(time.Microsecond)
	until := now.Add(time.Duration(in.Body.Overlap) * time.Second)
	all := []numberdb.WebhookSecret{NewSecret(in.Body.Scheme == "v1a")}
	for _, old := range e.Secrets { // the newest is the first
		if old.Until.IsZero() || until.Before(old.Until) {
			old.Until = until.UTC()
		}
		if now.Before(old.Until) && len(all) < mostSigning {
			all = append(all, old)
		}
	}
	e.Secrets = all
	return s.put(ctx, e, 0)
}

// mostSigning is how many secrets sign at a time.
const mostSigning = 3

func (s *Endpoints) deliveries(ctx context.Context, in *EndpointDeliveries) (*rest.Answer[rest.List[EndpointDelivery]], error) {
	e, err := s.find(ctx, &in.EndpointID)
	if err != nil {
		return nil, err
	}
	before, err := in.AfterID(numberdb.EventPrefix)
	if err != nil {
		return nil, err
	}
	found, err := s.Store.Deliveries(ctx, numberdb.DeliveryQuery{Endpoint: e.ID, Before: before, Limit: in.Limit})
	if err != nil {
		return nil, problem.Unavailable()
	}
	list := rest.List[EndpointDelivery]{Data: make([]EndpointDelivery, len(found))}
	for i := range found {
		list.Data[i] = deliveryOf(&found[i])
	}
	if len(found) == in.Limit {
		list.NextCursor = rest.Next(found[len(found)-1].Event.Text(numberdb.EventPrefix))
	}
	return rest.Answering(list), nil
}

func deliveryOf(d *numberdb.Delivery) EndpointDelivery {
	out := EndpointDelivery{
		Event: d.Event.Text(numberdb.EventPrefix), Type: d.Type, State: d.State.String(), Attempts: d.Attempts, Status: d.Status, Outcome: d.Outcome,
		Took: d.Took.Seconds(),
	}
	if d.Session != 0 {
		out.Session = d.Session.Text(numberdb.SessionPrefix)
	}
	if !d.At.IsZero() {
		at := d.At
		out.At = &at
	}
	if !d.Next.IsZero() && d.State == numberdb.Waiting {
		next := d.Next
		out.Next = &next
	}
	return out
}

func (s *Endpoints) replay(ctx context.Context, in *EndpointReplay) (*rest.Answer[ReplayAnswer], error) {
	e, err := s.find(ctx, &in.EndpointID)
	if err != nil {
		return nil, err
	}
	r := &numberdb.Replay{Endpoint: e.ID, Tenant: e.Tenant, Now: s.Now(), Most: mostReplayed}
	switch {
	case (in.Body.Event == "") == (in.Body.Since == nil):
		return nil, problem.Invalid("body", "expected event_id or since")
	case in.Body.Event != "":
		if r.Event, err = numberdb.ParseID(numberdb.EventPrefix, in.Body.Event); err != nil {
			return nil, problem.Invalid("body.event_id", "expected the id of an event that is kept")
		}
	default:
		r.Since = *in.Body.Since
	}
	n, err := s.Store.Replay(ctx, r)
	switch {
	case errors.Is(err, numberdb.ErrNoEvent):
		return nil, problem.Invalid("body.event_id", "expected the id of an event that is kept")
	case errors.Is(err, numberdb.ErrWebhook):
		return nil, problem.New(problem.NotFound)
	case err != nil:
		return nil, problem.Unavailable()
	}
	s.Changed()
	return rest.Answering(ReplayAnswer{n}), nil
}

// testType is of events that are posted by test alone.
const testType = "webhook.test"

func (s *Endpoints) test(ctx context.Context, in *EndpointID) (*rest.Answer[TestAnswer], error) {
	e, err := s.find(ctx, in)
	if err != nil {
		return nil, err
	}
	if !s.beginTest(e.Tenant) {
		return nil, &problem.Error{Code: problem.RateLimited, RetryAfter: time.Second}
	}
	defer s.endTest(e.Tenant)
	now := s.Now().Truncate(time.Microsecond)
	event := &numberdb.Event{ID: s.ids.Next(now), Tenant: e.Tenant, Type: testType, At: now}
	id := event.ID.Text(numberdb.EventPrefix)
	r := s.Sender.Post(ctx, e, id, Body(event, s.Mode))
	return rest.Answering(TestAnswer{Event: id, OK: r.OK(), Status: r.Status, Outcome: r.Outcome, Took: r.Took.Seconds()}), nil
}

// beginTest takes a place for a test post: a receiver of one tenant that never answers
// keeps nobody else from testing.
func (s *Endpoints) beginTest(tenant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tests >= allTests || s.testing[tenant] >= mostTests {
		return false
	}
	if s.testing == nil {
		s.testing = map[string]int{}
	}
	s.tests++
	s.testing[tenant]++
	return true
}

func (s *Endpoints) endTest(tenant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tests--
	if s.testing[tenant]--; s.testing[tenant] == 0 {
		delete(s.testing, tenant)
	}
}
