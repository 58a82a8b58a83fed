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
	"maskline/e164"
	"maskline/numberdb"
)

// SessionDesk gives out masks and takes them back. Its errors are *problem.Error;
// tenant is whose sessions exist for the caller, numberdb.AnyTenant all.
type SessionDesk interface {
	// Create returns when the session's masks route. Where the attempt was made
	// before, it returns what that one made.
	Create(ctx context.Context, r *api.SessionRequest, attempt *numberdb.Attempt) (s numberdb.Session, replayed bool, err error)
	// Get returns one, ended or not.
	Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error)
	// List returns sessions in the order of their IDs.
	List(ctx context.Context, q numberdb.SessionQuery) ([]numberdb.Session, error)
	// Change returns when the change routes.
	Change(ctx context.Context, tenant string, id numberdb.ID, c *SessionChange) (s numberdb.Session, replayed bool, err error)
}

// Do is what a change of a session does.
type Do uint8

// The changes.
const (
	End    Do = iota // now; ending one that has ended is no fault
	Burn             // End, and its masks go on the watchlist
	Extend           // it lives for TTL from now
	Rotate           // its people get other masks
	Join             // somebody is added to a group
)

// SessionChange is one change of a session.
type SessionChange struct {
	Do      Do
	TTL     time.Duration     // of extend, from now
	Join    *api.Participate  // of join
	Attempt *numberdb.Attempt // of join and rotate
	// Unchanged is asked before the change; where it says no, the answer is
	// precondition-failed. Nil: nothing is asked.
	Unchanged func(*numberdb.Session) bool
}

// Sessions is the resource /v1/sessions.
type Sessions struct {
	Desk SessionDesk
	Now  func() time.Time
}

// Register adds the operations.
func (s *Sessions) Register(api huma.API) {
	at := func(id, method, path, summary string, scope auth.Scope, problems ...problem.Code) Operation {
		return Operation{ID: id, Method: method, Path: "/v1/sessions" + path, Summary: summary, Tag: "sessions", Scope: scope, Problems: problems}
	}
	create := at("createSession", http.MethodPost, "", "Connect people by masks", auth.SessionsWrite, problemsOfMaking()...)
	create.Status, create.Idempotent = http.StatusCreated, true
	create.Text = "When it answers, the masks route."
	Register(api, create, s.create)
	Register(api, at("listSessions", http.MethodGet, "", "List sessions in the order in which they were made", auth.SessionsRead), s.list)
	search := at("searchSessions", http.MethodPost, "/search", "Find the sessions of a person", auth.SessionsRead, problem.InvalidNumber)
	search.Text = "As listSessions; the number stands in the body, since addresses are logged on the way."
	Register(api, search, s.search)
	Register(api, at("getSession", http.MethodGet, "/{id}", "Read a session", auth.SessionsRead), s.get)
	Register(api, at("extendSession", http.MethodPatch, "/{id}", "Let a session live for a time from now", auth.SessionsWrite,
		problem.SessionClosed, problem.PreconditionFailed, problem.BindingConflict), s.extend)
	closing := at("closeSession", http.MethodDelete, "/{id}", "End a session now", auth.SessionsWrite, problem.BindingConflict)
	closing.Text = "When it answers, this edge refuses its masks. A session that has ended stays as it is."
	Register(api, closing, s.doing(End))
	burn := at("burnSession", http.MethodPost, "/{id}/burn", "End a session and keep its masks back", auth.SessionsWrite, problem.BindingConflict)
	burn.Text = "Its masks go on the watchlist: nobody gets them until they are released."
	Register(api, burn, s.doing(Burn))
	rotate := at("rotateSession", http.MethodPost, "/{id}/rotate", "Give the people of a session other masks", auth.SessionsWrite,
		problem.SessionClosed, problem.PoolExhausted, problem.BindingConflict)
	rotate.Idempotent = true
	Register(api, rotate, s.rotate)
	join := at("addParticipant", http.MethodPost, "/{id}/participants", "Add a person to a group", auth.SessionsWrite,
		append(problemsOfMaking(), problem.SessionClosed)...)
	join.Idempotent, join.Status = true, http.StatusCreated
	Register(api, join, s.join)
}

// problemsOfMaking are those of what gives out masks.
func problemsOfMaking() []problem.Code {
	return []problem.Code{
		problem.InvalidNumber, problem.NumberIsMask, problem.EmergencyNumber, problem.PremiumDestination, problem.RegionNotEnabled,
		problem.ConsentMissing, problem.PoolExhausted, problem.BindingConflict, problem.QuotaExceeded, problem.StepUpRequired,
	}
}

// SessionID is the path of one session.
type SessionID struct {
	ID string `path:"id" maxLength:"64" doc:"The session, such as ses_0d2k9x4m1qz7c."`
}

// parse reads the id. One that cannot be is of no session.
func (p *SessionID) parse() (numberdb.ID, error) {
	id, err := numberdb.ParseID(numberdb.SessionPrefix, p.ID)
	if err != nil {
		return 0, problem.New(problem.NotFound)
	}
	return id, nil
}

// SessionAnswer is a session with its entity tag.
type SessionAnswer struct {
	ETag string `header:"ETag" doc:"For If-Match."`
	Body Session
}

func (s *Sessions) answer(ctx context.Context, session *numberdb.Session) *SessionAnswer {
	who := auth.From(ctx)
	return &SessionAnswer{ETag: tagOf(session), Body: sessionOf(session, s.Now(), &who)}
}

func (s *Sessions) get(ctx context.Context, in *SessionID) (*SessionAnswer, error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	session, err := s.Desk.Get(ctx, who.Scoped(""), id)
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, &session), nil
}

type createSessionInput struct {
	Body SessionRequest
}

// SessionRequest asks for a session.
type SessionRequest struct {
	Tenant       string   `json:"tenant,omitempty" maxLength:"64" doc:"Whose session; for the operator's keys."`
	Pool         string   `json:"pool" minLength:"1" maxLength:"64" doc:"Where the masks are from."`
	Participants []Person `json:"participants" nullable:"false" minItems:"1" maxItems:"100" doc:"Its people: two, or more in a group."`
	Shape        string   `json:"shape,omitempty" enum:"per_side,shared,group,public" default:"per_side" doc:"per_side: each has a mask for the other. shared: both have the same one. group: all have. public: everybody may dial the mask of the one participant."`
	Services     string   `json:"services,omitempty" enum:"sms,voice,sms+voice" doc:"What it carries; without it, both."`
	TTL          int64    `json:"ttl,omitempty" minimum:"1" maximum:"315360000" doc:"Its life in seconds; without it, as the pool says."`
	IdleTTL      int64    `json:"idle_ttl,omitempty" minimum:"1" maximum:"315360000" doc:"End after so many seconds without contact; without it, as the pool says."`
	MaxUses      int      `json:"max_uses,omitempty" minimum:"1" maximum:"1000000" doc:"End after so many messages and calls; without it, as the pool says."`
	Selection    string   `json:"selection,omitempty" enum:"rotate,prefer-sticky,avoid-sticky,pinned" doc:"How masks are chosen for people who have met before; without it, as the pool says."`
	Label        string   `json:"label,omitempty" maxLength:"64" doc:"Your own name for it."`
}

// Person is a person and what is asked of the person's mask.
type Person struct {
	Number     string      `json:"number,omitempty" maxLength:"64" doc:"The person's own number: a plus and 7 to 15 digits."` // no pattern: emergency numbers have a problem of their own
	To         string      `json:"to,omitempty" maxLength:"260" doc:"Where the person is reached, if not at the number: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT] of your own."`
	MaskRegion *MaskRegion `json:"mask_region,omitempty" doc:"Where the mask that this person dials should be from."`
}

// MaskRegion is where a mask should be from.
type MaskRegion struct {
	Country string `json:"country,omitempty" pattern:"^[A-Z]{2}$" patternDescription:"two capital letters of ISO 3166" doc:"It has to be of this country."`
	Prefix  string `json:"prefix,omitempty" pattern:"^\\+?[0-9]{1,15}$" patternDescription:"digits from the country code on" doc:"It begins with as many of these digits as can be had."`
}

func (p *Person) participate() api.Participate {
	out := api.Participate{Number: p.Number, To: p.To}
	if p.MaskRegion != nil {
		out.MaskRegion = api.MaskRegion{Country: p.MaskRegion.Country, Prefix: p.MaskRegion.Prefix}
	}
	return out
}

// MadeSession is the answer to what makes a session.
type MadeSession struct {
	ETag     string `header:"ETag" doc:"For If-Match."`
	Location string `header:"Location" doc:"Where the session is read."`
	Replayed string `header:"Idempotent-Replayed" doc:"true where the request was done before; the session is shown as it is now."`
	Body     Session
}

func (s *Sessions) create(ctx context.Context, in *createSessionInput) (*MadeSession, error) {
	b := &in.Body
	r := &api.SessionRequest{
		Tenant: b.Tenant, Pool: b.Pool, Shape: b.Shape, Services: b.Services, TTL: span(b.TTL), IdleTTL: span(b.IdleTTL),
		MaxUses: b.MaxUses, Selection: b.Selection, Label: b.Label,
	}
	for i := range b.Participants {
		r.Participants = append(r.Participants, b.Participants[i].participate())
	}
	session, replayed, err := s.make(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.made(ctx, &session, replayed, "/v1/sessions/"), nil
}

func span(seconds int64) api.Duration { return api.Duration(time.Duration(seconds) * time.Second) }

// make asks the desk for a session of the caller's tenant.
func (s *Sessions) make(ctx context.Context, r *api.SessionRequest) (numberdb.Session, bool, error) {
	who := auth.From(ctx)
	if !who.Operator() {
		if r.Tenant != "" && r.Tenant != who.Tenant {
			return numberdb.Session{}, false, noTenant()
		}
		r.Tenant = who.Tenant
	}
	return s.Desk.Create(ctx, r, Attempt(ctx))
}

func (s *Sessions) made(ctx context.Context, session *numberdb.Session, replayed bool, place string) *MadeSession {
	answer := s.answer(ctx, session)
	return &MadeSession{ETag: answer.ETag, Location: place + answer.Body.ID, Replayed: replay(replayed), Body: answer.Body}
}

func replay(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}

type listSessionsInput struct {
	Page
	Tenant string `query:"tenant" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
	Live   bool   `query:"live" doc:"Those alone that have not ended."`
}

func (s *Sessions) list(ctx context.Context, in *listSessionsInput) (*Answer[List[Session]], error) {
	return s.find(ctx, &in.Page, numberdb.SessionQuery{Tenant: in.Tenant}, in.Live)
}

type searchSessionsInput struct {
	Body struct {
		Number string `json:"number" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a plus and 7 to 15 digits" doc:"The person's own number."`
		Tenant string `json:"tenant,omitempty" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
		Live   bool   `json:"live,omitempty" doc:"Those alone that have not ended."`
		Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100" doc:"Most entries of the answer."`
		Cursor string `json:"cursor,omitempty" maxLength:"128" doc:"next_cursor of the answer before."`
	}
}

func (s *Sessions) search(ctx context.Context, in *searchSessionsInput) (*Answer[List[Session]], error) {
	party, err := e164.Parse(in.Body.Number)
	if err != nil {
		return nil, problem.New(problem.InvalidNumber)
	}
	page := &Page{Limit: in.Body.Limit, Cursor: in.Body.Cursor}
	return s.find(ctx, page, numberdb.SessionQuery{Tenant: in.Body.Tenant, Party: party}, in.Body.Live)
}

// find reads a page of what the caller may see.
func (s *Sessions) find(ctx context.Context, page *Page, q numberdb.SessionQuery, live bool) (*Answer[List[Session]], error) {
	found, next, err := s.page(ctx, page, q, live, func(*numberdb.Session) bool { return true })
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	list := List[Session]{Data: []Session{}, NextCursor: next}
	for i := range found {
		list.Data = append(list.Data, sessionOf(&found[i], s.Now(), &who))
	}
	return Answering(list), nil
}

// mostLooks bounds how many pages are read for one where few sessions are wanted.
const mostLooks = 10

// page reads those that are wanted, and the cursor of what follows.
func (s *Sessions) page(ctx context.Context, page *Page, q numberdb.SessionQuery, live bool, wanted func(*numberdb.Session) bool) (list []numberdb.Session, next string, err error) {
	if q.After, err = page.AfterID(numberdb.SessionPrefix); err != nil {
		return nil, "", err
	}
	who := auth.From(ctx)
	if q.Tenant = who.Scoped(q.Tenant); q.Tenant == numberdb.AnyTenant {
		q.Tenant = "" // of the store: all
	}
	if q.Limit = page.Limit; live {
		q.Live = s.Now()
	}
	for range mostLooks {
		found, err := s.Desk.List(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for i := range found {
			q.After = found[i].ID
			if wanted(&found[i]) {
				list = append(list, found[i])
			}
			if len(list) == page.Limit {
				return list, Next(q.After.Text(numberdb.SessionPrefix)), nil
			}
		}
		if len(found) < q.Limit {
			return list, "", nil
		}
	}
	return list, Next(q.After.Text(numberdb.SessionPrefix)), nil
}

type extendSessionInput struct {
	SessionID
	IfMatch string `header:"If-Match" maxLength:"512" doc:"Entity tags of the session as it was read; where it has changed since, nothing is done."`
	Body    struct {
		TTL int64 `json:"ttl" minimum:"1" maximum:"315360000" doc:"Its life in seconds from now."`
	}
}

func (in *extendSessionInput) change() *SessionChange {
	change := &SessionChange{Do: Extend, TTL: time.Duration(in.Body.TTL) * time.Second}
	if in.IfMatch != "" {
		change.Unchanged = func(session *numberdb.Session) bool { return matches(in.IfMatch, tagOf(session)) }
	}
	return change
}

func (s *Sessions) extend(ctx context.Context, in *extendSessionInput) (*SessionAnswer, error) {
	session, _, err := s.change(ctx, &in.SessionID, in.change())
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, &session), nil
}

// matches reads If-Match: * or a list of strong tags (RFC 9110 §13.1.1).
func matches(field, tag string) bool {
	for one := range strings.SplitSeq(field, ",") {
		if one = strings.TrimSpace(one); one == "*" || one == tag {
			return true
		}
	}
	return false
}

func (s *Sessions) change(ctx context.Context, at *SessionID, c *SessionChange) (numberdb.Session, bool, error) {
	id, err := at.parse()
	if err != nil {
		return numberdb.Session{}, false, err
	}
	who := auth.From(ctx)
	c.Attempt = Attempt(ctx)
	return s.Desk.Change(ctx, who.Scoped(""), id, c)
}

// doing is a change that needs nothing more.
func (s *Sessions) doing(do Do) func(context.Context, *SessionID) (*SessionAnswer, error) {
	return func(ctx context.Context, in *SessionID) (*SessionAnswer, error) {
		session, _, err := s.change(ctx, in, &SessionChange{Do: do})
		if err != nil {
			return nil, err
		}
		return s.answer(ctx, &session), nil
	}
}

func (s *Sessions) rotate(ctx context.Context, in *SessionID) (*MadeSession, error) {
	session, replayed, err := s.change(ctx, in, &SessionChange{Do: Rotate})
	if err != nil {
		return nil, err
	}
	return s.made(ctx, &session, replayed, "/v1/sessions/"), nil
}

type joinInput struct {
	SessionID
	Body Person
}

func (s *Sessions) join(ctx context.Context, in *joinInput) (*MadeSession, error) {
	who := in.Body.participate()
	session, replayed, err := s.change(ctx, &in.SessionID, &SessionChange{Do: Join, Join: &who})
	if err != nil {
		return nil, err
	}
	return s.made(ctx, &session, replayed, "/v1/sessions/"), nil
}
