package safeguards

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/guard"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
	"maskline/numberdb"
)

// Committer makes changes durable with their lines of the audit.
type Committer interface {
	Commit(ctx context.Context, w *numberdb.Writes) error
}

// Consents is the resource /v1/consents.
type Consents struct {
	Store    numberdb.ConsentStore
	Attempts numberdb.AttemptStore
	Commit   Committer
	Guard    *guard.Guard
	Tenant   func(name string) bool // that there is
	Now      func() time.Time
	IDs      *numberdb.IDs
}

// Consented reports whether a consent of the party stands. It is for guard.Config.
func (c *Consents) Consented(ctx context.Context, tenant string, party e164.Number) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	found, err := c.Store.Consents(ctx, numberdb.ConsentQuery{Tenant: tenant, Party: party, Standing: true, Limit: 1})
	if err != nil && !errors.Is(err, numberdb.ErrSealed) {
		return false, storeProblem(err)
	}
	return len(found) > 0, nil
}

// Consent is a consent as the API shows it.
type Consent struct {
	ID          string     `json:"id" doc:"Such as con_0d2k9x4m1qz7c."`
	Tenant      string     `json:"tenant,omitempty" doc:"Towards whom; none: the operator's own."`
	Number      string     `json:"number" doc:"Who has agreed, redacted unless the key has pii:read."`
	Text        string     `json:"text" doc:"The text that was shown."`
	Method      string     `json:"method" doc:"How the person agreed."`
	Workflow    string     `json:"workflow,omitempty" doc:"What for; none: whatever the tenant does."`
	GivenAt     time.Time  `json:"given_at" doc:"When."`
	WithdrawnAt *time.Time `json:"withdrawn_at,omitempty" doc:"When it was withdrawn; none: it stands."`
}

func consentOf(c *numberdb.Consent, whole bool) Consent {
	out := Consent{
		ID: c.ID.Text(numberdb.ConsentPrefix), Tenant: c.Tenant, Number: c.Party.String(), Text: e164.Redact(c.Text), Method: e164.Redact(c.Method),
		Workflow: e164.Redact(c.Workflow), GivenAt: c.Given.UTC(),
	}
	if whole {
		out.Number, out.Text, out.Method, out.Workflow = c.Party.Reveal(), c.Text, c.Method, c.Workflow
	}
	if !c.Withdrawn.IsZero() {
		at := c.Withdrawn.UTC()
		out.WithdrawnAt = &at
	}
	return out
}

// Register adds the operations.
func (c *Consents) Register(api huma.API) {
	at := func(id, method, path, summary string, scope auth.Scope, problems ...problem.Code) rest.Operation {
		return rest.Operation{ID: id, Method: method, Path: "/v1/consents" + path, Summary: summary, Tag: "consents", Scope: scope, Problems: problems}
	}
	record := at("recordConsent", http.MethodPost, "", "Record that a person has agreed", auth.RestrictionsWrite, problem.InvalidNumber, problem.EmergencyNumber)
	record.Status, record.Idempotent = http.StatusCreated, true
	rest.Register(api, record, c.record)
	rest.Register(api, at("listConsents", http.MethodGet, "", "List consents in the order in which they were recorded", auth.RestrictionsRead), c.list)
	search := at("searchConsents", http.MethodPost, "/search", "Find the consents of a person", auth.RestrictionsRead, problem.InvalidNumber, problem.EmergencyNumber)
	search.Text = "As listConsents; the number stands in the body, since addresses are logged on the way."
	rest.Register(api, search, c.search)
	rest.Register(api, at("getConsent", http.MethodGet, "/{id}", "Read a consent", auth.RestrictionsRead), c.get)
	withdraw := at("withdrawConsent", http.MethodDelete, "/{id}", "Note that a person has withdrawn a consent", auth.RestrictionsWrite)
	withdraw.Text = "It stays in the ledger with the time. Withdrawing it again changes nothing."
	rest.Register(api, withdraw, c.withdraw)
}

type consentInput struct {
	Body struct {
		Tenant   string     `json:"tenant,omitempty" maxLength:"64" doc:"Towards whom, for the operator's keys; none: the operator's own."`
		Number   string     `json:"number" maxLength:"32" doc:"The person's own number: a plus and 7 to 15 digits."`
		Text     string     `json:"text" minLength:"1" maxLength:"2000" doc:"The text that the person was shown."`
		Method   string     `json:"method" minLength:"1" maxLength:"64" doc:"How the person agreed, such as checkbox, sms or call."`
		Workflow string     `json:"workflow,omitempty" maxLength:"64" doc:"What for; none: whatever the tenant does."`
		GivenAt  *time.Time `json:"given_at,omitempty" doc:"When, not in the future; none: now."`
	}
}

// ConsentAnswer is a consent that was made.
type ConsentAnswer struct {
	Location string `header:"Location" doc:"Where the consent is read."`
	Replayed string `header:"Idempotent-Replayed" doc:"true where the request was done before."`
	Body     Consent
}

func (c *Consents) record(ctx context.Context, in *consentInput) (*ConsentAnswer, error) {
	who, b := auth.From(ctx), &in.Body
	tenant, err := c.ownTenant(who, b.Tenant)
	if err != nil {
		return nil, err
	}
	party, err := c.Guard.Number("number", b.Number)
	if err != nil {
		return nil, Problem(err)
	}
	now := c.Now().UTC().Truncate(time.Microsecond)
	consent := numberdb.Consent{ID: c.IDs.Next(now), Tenant: tenant, Party: party, Text: b.Text, Method: b.Method, Workflow: b.Workflow, Given: now}
	if b.GivenAt != nil {
		if consent.Given = b.GivenAt.UTC().Truncate(time.Microsecond); consent.Given.After(now) || consent.Given.Year() < oldestConsent {
			return nil, problem.Invalid("body.given_at", "expected a time from 2000 on that is not in the future")
		}
	}
	if consent.Check() != nil {
		return nil, problem.Invalid("body", "expected printable text, method and workflow")
	}
	writes := &numberdb.Writes{Consents: []numberdb.Consent{consent}}
	attempt := rest.Attempt(ctx)
	if attempt != nil {
		attempt.Response = consent.ID
		writes.Attempts = []numberdb.Attempt{*attempt}
	}
	err = c.Commit.Commit(ctx, writes)
	if err == nil {
		return c.made(ctx, &consent, ""), nil
	}
	if attempt == nil {
		return nil, storeProblem(err)
	}
	id, known, failed := c.Attempts.Attempted(ctx, attempt, now)
	switch {
	case errors.Is(failed, numberdb.ErrOtherRequest):
		return nil, problem.New(problem.IdempotencyMismatch)
	case failed != nil || !known:
		return nil, storeProblem(err)
	}
	before, err := c.one(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return c.made(ctx, &before, "true"), nil
}

const oldestConsent = 2000

func (c *Consents) made(ctx context.Context, consent *numberdb.Consent, replayed string) *ConsentAnswer {
	who := auth.From(ctx)
	out := consentOf(consent, who.May(auth.PIIRead))
	return &ConsentAnswer{Location: "/v1/consents/" + out.ID, Replayed: replayed, Body: out}
}

// ownTenant is whose consent it is to be.
func (c *Consents) ownTenant(who auth.Identity, asked string) (string, error) {
	if !who.Operator() {
		if asked != "" && asked != who.Tenant {
			return "", problem.Invalid("body.tenant", "expected your own, or none")
		}
		return who.Tenant, nil
	}
	if asked != "" && !c.Tenant(asked) {
		return "", problem.Invalid("body.tenant", "expected one that there is")
	}
	return asked, nil
}

type consentsInput struct {
	rest.Page
	Tenant   string `query:"tenant" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
	Standing bool   `query:"standing" doc:"Those alone that were not withdrawn."`
}

func (c *Consents) list(ctx context.Context, in *consentsInput) (*rest.Answer[rest.List[Consent]], error) {
	return c.page(ctx, &in.Page, numberdb.ConsentQuery{Tenant: in.Tenant, Standing: in.Standing})
}

type searchConsentsInput struct {
	Body struct {
		Number   string `json:"number" maxLength:"32" doc:"The person's own number: a plus and 7 to 15 digits."`
		Tenant   string `json:"tenant,omitempty" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
		Standing bool   `json:"standing,omitempty" doc:"Those alone that were not withdrawn."`
		Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100" doc:"Most entries of the answer."`
		Cursor   string `json:"cursor,omitempty" maxLength:"128" doc:"next_cursor of the answer before."`
	}
}

func (c *Consents) search(ctx context.Context, in *searchConsentsInput) (*rest.Answer[rest.List[Consent]], error) {
	party, err := c.Guard.Number("number", in.Body.Number)
	if err != nil {
		return nil, Problem(err)
	}
	page := &rest.Page{Limit: in.Body.Limit, Cursor: in.Body.Cursor}
	return c.page(ctx, page, numberdb.ConsentQuery{Tenant: in.Body.Tenant, Party: party, Standing: in.Body.Standing})
}

func (c *Consents) page(ctx context.Context, page *rest.Page, q numberdb.ConsentQuery) (*rest.Answer[rest.List[Consent]], error) {
	who := auth.From(ctx)
	q.Tenant, q.Limit = who.Scoped(q.Tenant), page.Limit
	after, err := page.After()
	if err != nil {
		return nil, err
	}
	if after != "" {
		if q.After, err = numberdb.ParseID(numberdb.ConsentPrefix, after); err != nil {
			return nil, problem.Invalid("query.cursor", "expected the next_cursor of an answer")
		}
	}
	found, err := c.Store.Consents(ctx, q)
	if err != nil && !errors.Is(err, numberdb.ErrSealed) {
		return nil, storeProblem(err)
	}
	list := rest.List[Consent]{Data: []Consent{}}
	for i := range found {
		list.Data = append(list.Data, consentOf(&found[i], who.May(auth.PIIRead)))
	}
	if len(found) == q.Limit {
		list.NextCursor = rest.Next(found[len(found)-1].ID.Text(numberdb.ConsentPrefix))
	}
	return rest.Answering(list), nil
}

// ConsentID is the path of one consent.
type ConsentID struct {
	ID string `path:"id" maxLength:"64" doc:"The consent, such as con_0d2k9x4m1qz7c."`
}

// one is a consent of the tenant; "*" is all tenants.
func (c *Consents) one(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Consent, error) {
	found, err := c.Store.Consents(ctx, numberdb.ConsentQuery{ID: id, Tenant: tenant, Limit: 1})
	if err != nil {
		return numberdb.Consent{}, storeProblem(err)
	}
	if len(found) == 0 {
		return numberdb.Consent{}, problem.New(problem.NotFound)
	}
	return found[0], nil
}

func (c *Consents) find(ctx context.Context, in *ConsentID) (numberdb.Consent, error) {
	id, err := numberdb.ParseID(numberdb.ConsentPrefix, in.ID)
	if err != nil {
		return numberdb.Consent{}, problem.New(problem.NotFound)
	}
	who := auth.From(ctx)
	return c.one(ctx, who.Scoped(""), id)
}

func (c *Consents) get(ctx context.Context, in *ConsentID) (*rest.Answer[Consent], error) {
	found, err := c.find(ctx, in)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	return rest.Answering(consentOf(&found, who.May(auth.PIIRead))), nil
}

func (c *Consents) withdraw(ctx context.Context, in *ConsentID) (*rest.Answer[Consent], error) {
	found, err := c.find(ctx, in)
	if err != nil {
		return nil, err
	}
	if found.Withdrawn.IsZero() {
		found.Withdrawn = c.Now().UTC().Truncate(time.Microsecond)
		if err := c.Commit.Commit(ctx, &numberdb.Writes{Consents: []numberdb.Consent{found}}); err != nil {
			return nil, storeProblem(err)
		}
	}
	who := auth.From(ctx)
	return rest.Answering(consentOf(&found, who.May(auth.PIIRead))), nil
}
