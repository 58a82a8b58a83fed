package rest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/numberdb"
)

// Leases is the resource /v1/leases: sessions with a mask that nobody else has and
// that leads everybody to one end.
type Leases struct{ Sessions }

// Lease is a leased number as the API shows it.
type Lease struct {
	ID        string    `json:"id" doc:"Such as ses_0d2k9x4m1qz7c: a lease is a session too."`
	Tenant    string    `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	Pool      string    `json:"pool" doc:"Where the number is from."`
	Number    string    `json:"number" doc:"The leased number."`
	To        string    `json:"to" doc:"Where it leads, redacted unless the key has pii:read."`
	State     string    `json:"state" enum:"active,expired,released,idle,used_up,burned,rotated" doc:"active, or why it ended."`
	Services  string    `json:"services" enum:"sms,voice,sms+voice" doc:"What it carries."`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at" doc:"When it stops, or stopped."`
	IdleTTL   int64     `json:"idle_ttl,omitempty" doc:"It ends after so many seconds without contact; none: never."`
	MaxUses   int       `json:"max_uses,omitempty" doc:"It ends after so many messages and calls; none: never."`
	Label     string    `json:"label,omitempty" doc:"Your own name for it."`
	Livemode  bool      `json:"livemode" doc:"false: of the sandbox."`
}

func leaseOf(s *numberdb.Session, now time.Time, who *auth.Identity) Lease {
	of := sessionOf(s, now, who)
	out := Lease{
		ID: of.ID, Tenant: of.Tenant, Pool: of.Pool, State: of.State, Services: of.Services, CreatedAt: of.CreatedAt, ExpiresAt: of.ExpiresAt,
		IdleTTL: of.IdleTTL, MaxUses: of.MaxUses, Label: of.Label, Livemode: of.Livemode,
	}
	if len(s.Participants) > 0 {
		p := &s.Participants[0]
		out.Number = p.Dial.Reveal()
		if out.To = p.To.String(); who.May(auth.PIIRead) {
			out.To = p.To.Reveal()
		}
	}
	return out
}

// Register adds the operations, and their names of old under /v1/rpc.
func (l *Leases) Register(api huma.API) {
	at := func(id, method, path, summary string, scope auth.Scope, problems ...problem.Code) Operation {
		return Operation{ID: id, Method: method, Path: "/v1/leases" + path, Summary: summary, Tag: "leases", Scope: scope, Problems: problems}
	}
	create := at("createLease", http.MethodPost, "", "Lease a number", auth.SessionsWrite, problemsOfMaking()...)
	create.Status, create.Idempotent = http.StatusCreated, true
	create.Text = "When it answers, the number routes."
	Register(api, create, l.create)
	for _, name := range []string{"requestNumber", "allocateNumber"} {
		alias := create
		alias.ID, alias.Path, alias.Summary, alias.Text = name, "/v1/rpc/"+name, "Lease a number", "Another name of createLease."
		Register(api, alias, l.create)
	}
	Register(api, at("listLeases", http.MethodGet, "", "List leases in the order in which they were made", auth.SessionsRead), l.list)
	Register(api, at("getLease", http.MethodGet, "/{id}", "Read a lease", auth.SessionsRead), l.get)
	Register(api, at("extendLease", http.MethodPatch, "/{id}", "Let a lease live for a time from now", auth.SessionsWrite,
		problem.LeaseExpired, problem.PreconditionFailed, problem.BindingConflict), l.extend)
	closing := at("deleteLease", http.MethodDelete, "/{id}", "Release a number now", auth.SessionsWrite, problem.BindingConflict)
	closing.Text = "When it answers, this edge refuses the number. A lease that has ended stays as it is."
	Register(api, closing, func(ctx context.Context, in *SessionID) (*LeaseAnswer, error) { return l.end(ctx, in, End) })
	Register(api, at("releaseLease", http.MethodPost, "/{id}/release", "Release a number now, with a reason", auth.SessionsWrite, problem.BindingConflict), l.release)
	release := at("releaseNumber", http.MethodPost, "", "Release a number now, with a reason", auth.SessionsWrite, problem.BindingConflict, problem.NotFound)
	release.Path, release.Text = "/v1/rpc/releaseNumber", "Another name of releaseLease."
	Register(api, release, func(ctx context.Context, in *releaseNumberInput) (*LeaseAnswer, error) {
		return l.end(ctx, &SessionID{ID: in.Body.ID}, reasonOf(in.Body.Reason))
	})
	burn := at("burnLease", http.MethodPost, "/{id}/burn", "Release a number and keep it back", auth.SessionsWrite, problem.BindingConflict)
	burn.Text = "The number goes on the watchlist: nobody gets it until it is released from there."
	Register(api, burn, func(ctx context.Context, in *SessionID) (*LeaseAnswer, error) { return l.end(ctx, in, Burn) })
	rotate := at("rotateLease", http.MethodPost, "/{id}/rotate", "Give a lease another number", auth.SessionsWrite,
		problem.LeaseExpired, problem.PoolExhausted, problem.BindingConflict)
	rotate.Idempotent = true
	Register(api, rotate, l.rotate)
}

type createLeaseInput struct {
	Body LeaseRequest
}

// LeaseRequest asks for a number.
type LeaseRequest struct {
	Tenant   string      `json:"tenant,omitempty" maxLength:"64" doc:"Whose lease; for the operator's keys."`
	Pool     string      `json:"pool" minLength:"1" maxLength:"64" doc:"Where the number is from."`
	To       string      `json:"to" minLength:"1" maxLength:"260" doc:"Where it leads: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT] of your own."`
	Answers  string      `json:"answers_from,omitempty" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a plus and 7 to 15 digits" doc:"Of an account or a peer, the number that it answers strangers from; without it, it cannot."`
	Services string      `json:"services,omitempty" enum:"sms,voice,sms+voice" doc:"What it carries; without it, sms towards an account and both else."`
	TTL      int64       `json:"ttl,omitempty" minimum:"1" maximum:"315360000" doc:"Its life in seconds; without it, as the pool says."`
	IdleTTL  int64       `json:"idle_ttl,omitempty" minimum:"1" maximum:"315360000" doc:"End after so many seconds without contact; without it, as the pool says."`
	MaxUses  int         `json:"max_uses,omitempty" minimum:"1" maximum:"1000000" doc:"End after so many messages and calls; without it, as the pool says."`
	Region   *MaskRegion `json:"region,omitempty" doc:"Where the number should be from."`
	Label    string      `json:"label,omitempty" maxLength:"64" doc:"Your own name for it."`
}

// LeaseAnswer is a lease with its entity tag.
type LeaseAnswer struct {
	ETag string `header:"ETag" doc:"For If-Match."`
	Body Lease
}

// MadeLease is the answer to what gives out a number.
type MadeLease struct {
	ETag     string `header:"ETag" doc:"For If-Match."`
	Location string `header:"Location" doc:"Where the lease is read."`
	Replayed string `header:"Idempotent-Replayed" doc:"true where the request was done before; the lease is shown as it is now."`
	Body     Lease
}

func (l *Leases) answer(ctx context.Context, s *numberdb.Session) *LeaseAnswer {
	who := auth.From(ctx)
	return &LeaseAnswer{ETag: tagOf(s), Body: leaseOf(s, l.Now(), &who)}
}

func (l *Leases) made(ctx context.Context, s *numberdb.Session, replayed bool) *MadeLease {
	answer := l.answer(ctx, s)
	return &MadeLease{ETag: answer.ETag, Location: "/v1/leases/" + answer.Body.ID, Replayed: replay(replayed), Body: answer.Body}
}

func (l *Leases) create(ctx context.Context, in *createLeaseInput) (*MadeLease, error) {
	b := &in.Body
	p := Person{Number: b.Answers, To: b.To, MaskRegion: b.Region}
	r := &api.SessionRequest{
		Tenant: b.Tenant, Pool: b.Pool, Shape: numberdb.Lease.String(), Services: b.Services, TTL: span(b.TTL), IdleTTL: span(b.IdleTTL),
		MaxUses: b.MaxUses, Label: b.Label, Participants: []api.Participate{p.participate()},
	}
	if r.Services == "" && strings.HasPrefix(b.To, "smpp:") {
		r.Services = numberdb.SMS.String()
	}
	session, replayed, err := l.make(ctx, r)
	if err != nil {
		return nil, ofLease(err)
	}
	return l.made(ctx, &session, replayed), nil
}

// ofLease tells what is wrong in the words of a lease.
func ofLease(err error) error {
	p := asProblem(err)
	if p.Code != problem.SessionClosed && len(p.Fields) == 0 {
		return err
	}
	out := *p
	if p.Code == problem.SessionClosed {
		out.Code = problem.LeaseExpired
	}
	out.Fields = nil
	for _, f := range p.Fields {
		switch f.Field {
		case "body.participants[0].number":
			f.Field = "body.answers_from"
		case "body.participants[0].to", "body.participants[0]":
			f.Field = "body.to"
		}
		f.Field = strings.Replace(f.Field, "body.participants[0].mask_region", "body.region", 1)
		out.Fields = append(out.Fields, f)
	}
	return &out
}

func (l *Leases) list(ctx context.Context, in *listSessionsInput) (*Answer[List[Lease]], error) {
	found, next, err := l.page(ctx, &in.Page, numberdb.SessionQuery{Tenant: in.Tenant}, in.Live, isLease)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	list := List[Lease]{Data: []Lease{}, NextCursor: next}
	for i := range found {
		list.Data = append(list.Data, leaseOf(&found[i], l.Now(), &who))
	}
	return Answering(list), nil
}

func isLease(s *numberdb.Session) bool { return s.Shape == numberdb.Lease }

// lease reads one; a session of another shape is none.
func (l *Leases) lease(ctx context.Context, in *SessionID) (numberdb.Session, error) {
	id, err := in.parse()
	if err != nil {
		return numberdb.Session{}, err
	}
	who := auth.From(ctx)
	s, err := l.Desk.Get(ctx, who.Scoped(""), id)
	if err == nil && !isLease(&s) {
		err = problem.New(problem.NotFound)
	}
	return s, err
}

func (l *Leases) get(ctx context.Context, in *SessionID) (*LeaseAnswer, error) {
	s, err := l.lease(ctx, in)
	if err != nil {
		return nil, err
	}
	return l.answer(ctx, &s), nil
}

func (l *Leases) alter(ctx context.Context, in *SessionID, c *SessionChange) (numberdb.Session, bool, error) {
	if _, err := l.lease(ctx, in); err != nil {
		return numberdb.Session{}, false, err
	}
	s, replayed, err := l.change(ctx, in, c)
	if err != nil {
		err = ofLease(err)
	}
	return s, replayed, err
}

func (l *Leases) extend(ctx context.Context, in *extendSessionInput) (*LeaseAnswer, error) {
	s, _, err := l.alter(ctx, &in.SessionID, in.change())
	if err != nil {
		return nil, err
	}
	return l.answer(ctx, &s), nil
}

func (l *Leases) end(ctx context.Context, in *SessionID, do Do) (*LeaseAnswer, error) {
	s, _, err := l.alter(ctx, in, &SessionChange{Do: do})
	if err != nil {
		return nil, err
	}
	return l.answer(ctx, &s), nil
}

type releaseInput struct {
	SessionID
	Body struct {
		Reason string `json:"reason,omitempty" enum:"done,spam,ban" default:"done" doc:"spam and ban put the number on the watchlist."`
	}
}

type releaseNumberInput struct {
	Body struct {
		ID     string `json:"id" maxLength:"64" doc:"The lease."`
		Reason string `json:"reason,omitempty" enum:"done,spam,ban" default:"done" doc:"spam and ban put the number on the watchlist."`
	}
}

func (l *Leases) release(ctx context.Context, in *releaseInput) (*LeaseAnswer, error) {
	return l.end(ctx, &in.SessionID, reasonOf(in.Body.Reason))
}

func reasonOf(reason string) Do {
	if reason == "spam" || reason == "ban" {
		return Burn
	}
	return End
}

func (l *Leases) rotate(ctx context.Context, in *SessionID) (*MadeLease, error) {
	s, replayed, err := l.alter(ctx, in, &SessionChange{Do: Rotate})
	if err != nil {
		return nil, err
	}
	return l.made(ctx, &s, replayed), nil
}
