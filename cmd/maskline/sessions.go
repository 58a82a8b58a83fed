package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"maskline/api"
	"maskline/api/problem"
	"maskline/api/sandbox"
	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
	"maskline/numberdb/sessions"
	"maskline/seal"
)

// sessionsConfig is what the lifecycle section says.
func sessionsConfig(cfg *configs.Config, key *seal.Key) sessions.Config {
	return sessions.Config{
		Node: string(cfg.Node),
		Seed: key.Permutation("allocation").Digest(nil),
		TTL:  cfg.Lifecycle.TTL, MaxTTL: cmp.Or(cfg.Lifecycle.MaxTTL, noLimit),
		Quarantine: cfg.Lifecycle.Quarantine, Parties: cfg.Lifecycle.PartiesPerMask,
		Alone: cfg.Database.URL.Reveal() == "",
	}
}

// sessionDesk is the owner of sessions in the words of the API, for the operator:
// it may do anything to the sessions of every tenant.
type sessionDesk struct {
	owner     *sessions.Owner
	store     numberdb.Registry
	bindings  *bindings
	lifecycle configs.Lifecycle
	only      func(e164.Number) bool // which numbers people have; nil: all
	emergency atomic.Pointer[map[string]bool]
	peers     atomic.Pointer[map[tenantPeer]bool]
}

// tenantPeer is a SIP peer of a tenant.
type tenantPeer struct{ tenant, addr string }

// follow refuses the emergency numbers that cfg names, and lets tenants reach the
// SIP peers that are theirs there, from now on.
func (d *sessionDesk) follow(cfg *configs.Config) {
	all := emergencyStrings(cfg)
	d.emergency.Store(&all)
	peers := map[tenantPeer]bool{}
	for i := range cfg.SIP.Peers {
		p := &cfg.SIP.Peers[i]
		peers[tenantPeer{string(p.Tenant), net.JoinHostPort(string(p.Addr.Host), strconv.Itoa(int(p.Addr.Port)))}] = true
	}
	d.peers.Store(&peers)
}

// reachable reports whether an account or peer is there, and the tenant's own.
func (d *sessionDesk) reachable(to numberdb.Endpoint, tenant string) bool {
	switch to.Kind {
	case numberdb.Account:
		of, known := d.bindings.known.Load().Account(to.Name)
		return known && (tenant == "" || of == tenant)
	case numberdb.SIP:
		_, addr, _ := strings.Cut(to.Name, "@")
		if _, _, err := net.SplitHostPort(addr); err != nil {
			addr = net.JoinHostPort(strings.Trim(addr, "[]"), sipPort)
		}
		return tenant == "" || (*d.peers.Load())[tenantPeer{tenant, addr}]
	default:
		return true
	}
}

const sipPort = "5060"

// Create makes a session and returns when its masks route.
func (d *sessionDesk) Create(ctx context.Context, r api.SessionRequest) (api.Session, error) {
	if err := d.owner.Ready(ctx); err != nil {
		return api.Session{}, err
	}
	ask, err := d.request(&r)
	if err != nil {
		return api.Session{}, err
	}
	s, err := d.owner.Create(ctx, ask)
	var exhausted *allocator.Exhausted
	if errors.As(err, &exhausted) && (ask.Shape == numberdb.Lease || ask.Shape == numberdb.Open) {
		return api.Session{}, exhaustion(exhausted, remedyForAll(exhausted.Reason))
	}
	return d.answer(s, err, r.Reveal, r.Pool)
}

// wrong is a fault of a request. Its text never holds a number.
type wrong struct {
	field string       // of the request
	code  problem.Code // of the API
	says  string
	web   string // for the API, where says repeats what was asked for; else empty
}

func (w *wrong) Error() string { return w.says }

func bad(field, says string) error {
	return &wrong{field: field, code: problem.ValidationFailed, says: says}
}

// request reads a request. Its faults are *wrong.
func (d *sessionDesk) request(r *api.SessionRequest) (ask *sessions.Request, err error) {
	ask = &sessions.Request{
		Tenant: r.Tenant, Pool: r.Pool, TTL: time.Duration(r.TTL), IdleTTL: time.Duration(r.IdleTTL), MaxUses: r.MaxUses, Label: r.Label,
	}
	if r.Tenant != "" && !d.bindings.hasTenant(r.Tenant) {
		return nil, bad("tenant", "tenant: expected one that is configured")
	}
	if r.Shape != "" {
		if ask.Shape, err = numberdb.ParseShape(r.Shape); err != nil {
			return nil, bad("shape", err.Error())
		}
	}
	if r.Services != "" {
		if ask.Services, err = numberdb.ParseServices(r.Services); err != nil {
			return nil, bad("services", "services: "+err.Error())
		}
	}
	if r.Selection != "" {
		selection, err := numberdb.ParseSelection(r.Selection)
		if err != nil {
			return nil, bad("selection", "selection: expected rotate, prefer-sticky, avoid-sticky or pinned")
		}
		ask.Selection = &selection
	}
	if r.TTL < 0 || r.IdleTTL < 0 || r.MaxUses < 0 {
		return nil, bad("ttl", "ttl, idle_ttl, max_uses: expected nothing below zero")
	}
	for i := range r.Participants {
		side, fault := d.side(&r.Participants[i], r.Tenant)
		if fault != nil {
			fault.field = strings.TrimSuffix(fmt.Sprintf("participants[%d].%s", i, fault.field), ".")
			fault.says = fmt.Sprintf("participant %d: %s", i+1, fault.says)
			return nil, fault
		}
		ask.Sides = append(ask.Sides, side)
	}
	return ask, nil
}

// side reads a participant of a tenant's session.
func (d *sessionDesk) side(p *api.Participate, tenant string) (side sessions.Side, fault *wrong) {
	var err error
	if d.isEmergency(p.Number) {
		return side, emergency("number")
	}
	if p.Number != "" {
		if side.Number, err = e164.Parse(plainNumber(p.Number)); err != nil {
			return side, &wrong{field: "number", code: problem.InvalidNumber, says: "expected 7 to 15 digits from the country code on"}
		}
		if !d.exists(side.Number) {
			return side, fictional("number")
		}
	}
	if p.To != "" {
		if number, tel := strings.CutPrefix(p.To, "tel:"); tel && d.isEmergency(number) {
			return side, emergency("to")
		}
		if side.To, err = numberdb.ParseEndpoint(p.To); err != nil {
			return side, &wrong{field: "to", code: problem.ValidationFailed, says: "to: " + err.Error()}
		}
		if side.To.Kind == numberdb.Tel && !d.exists(side.To.Number) {
			return side, fictional("to")
		}
		if !d.reachable(side.To, tenant) {
			what := map[numberdb.EndpointKind]string{numberdb.Account: "an account", numberdb.SIP: "a peer"}[side.To.Kind]
			return side, &wrong{field: "to", code: problem.ValidationFailed, says: "to: names " + what + " that is not configured"}
		}
	}
	if p.Number == "" && p.To == "" {
		return side, &wrong{field: "", code: problem.ValidationFailed, says: "expected a number, or where the person is reached"}
	}
	side.Country, side.Prefix = strings.ToUpper(p.MaskRegion.Country), strings.TrimPrefix(plainNumber(p.MaskRegion.Prefix), "+")
	if side.Country != "" && !isCountry(side.Country) {
		return side, &wrong{field: "mask_region.country", code: problem.ValidationFailed, says: errCountry.Error()}
	}
	if len(side.Prefix) > e164.MaxDigits || strings.Trim(side.Prefix, "0123456789") != "" {
		return side, &wrong{field: "mask_region.prefix", code: problem.ValidationFailed, says: "prefix: expected digits from the country code on"}
	}
	return side, nil
}

// exists reports whether somebody can have the number.
func (d *sessionDesk) exists(n e164.Number) bool { return d.only == nil || d.only(n) }

func fictional(field string) *wrong {
	return &wrong{field: field, code: problem.InvalidNumber, says: sandbox.OnlyFiction}
}

func emergency(field string) *wrong {
	return &wrong{field: field, code: problem.EmergencyNumber, says: "an emergency number cannot take part: it is always called as it is"}
}

var errCountry = bad("country", "country: expected two letters, such as GB")

func isCountry(text string) bool {
	return len(text) == 2 && strings.Trim(strings.ToUpper(text), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (d *sessionDesk) isEmergency(text string) bool {
	return (*d.emergency.Load())[strings.TrimPrefix(plainNumber(text), "+")]
}

// List gives sessions in the order in which they were made.
func (d *sessionDesk) List(ctx context.Context, q api.SessionQuery) (list api.SessionList, err error) {
	query := numberdb.SessionQuery{Tenant: q.Tenant, Limit: numberdb.PageLimit(q.Limit)}
	for _, id := range []struct {
		text string
		to   *numberdb.ID
		name string
	}{{q.ID, &query.ID, "id"}, {q.After, &query.After, "after"}} {
		if id.text == "" {
			continue
		}
		if *id.to, err = numberdb.ParseID(numberdb.SessionPrefix, id.text); err != nil {
			return list, noID(id.name)
		}
	}
	if q.Limit < 0 {
		return list, errors.New("limit: expected 1 to 10,000, or 0 for 100")
	}
	if q.Party != "" {
		if query.Party, err = e164.Parse(plainNumber(q.Party)); err != nil {
			return list, errors.New("party: expected 7 to 15 digits from the country code on")
		}
	}
	now := time.Now()
	if q.Live {
		query.Live = now
	}
	found, err := d.store.Sessions(ctx, query)
	if errors.Is(err, numberdb.ErrSealed) {
		list.Warning = err.Error() + "; they are left out"
	} else if err != nil {
		return list, problemOf(err)
	}
	list.Data = []api.Session{}
	for i := range found {
		list.Data = append(list.Data, sessionOf(&found[i], now, q.Reveal))
	}
	if q.ID != "" && len(found) == 0 {
		return list, problemOf(sessions.ErrNoSession)
	}
	if len(found) == query.Limit {
		list.NextCursor = found[len(found)-1].ID.Text(numberdb.SessionPrefix)
	}
	return list, nil
}

func noID(name string) error {
	return fmt.Errorf("%s: expected the id of a session, such as ses_0d2k9x4m1qz7c", name)
}

// Change ends, burns, extends, rotates or joins.
func (d *sessionDesk) Change(ctx context.Context, c api.SessionChange) (api.Session, error) {
	id, err := numberdb.ParseID(numberdb.SessionPrefix, c.ID)
	if err != nil {
		return api.Session{}, noID("id")
	}
	if err = d.owner.Ready(ctx); err != nil {
		return api.Session{}, err
	}
	var s numberdb.Session
	switch c.Do {
	case "end":
		s, err = d.owner.End(ctx, numberdb.AnyTenant, id, numberdb.Released)
	case "burn":
		s, err = d.owner.End(ctx, numberdb.AnyTenant, id, numberdb.Burned)
	case "extend":
		s, err = d.owner.Extend(ctx, numberdb.AnyTenant, id, time.Duration(c.TTL))
	case "rotate":
		s, err = d.owner.Rotate(ctx, numberdb.AnyTenant, id)
	case "join":
		if c.Join == nil {
			return api.Session{}, errors.New("participant: expected who joins")
		}
		side, fault := d.side(c.Join, "")
		if fault != nil {
			return api.Session{}, fault
		}
		s, err = d.owner.Join(ctx, numberdb.AnyTenant, id, side)
	default:
		return api.Session{}, errors.New("do: expected end, burn, extend, rotate or join")
	}
	pool := ""
	if errors.Is(err, sessions.ErrTTL) {
		if known, getErr := d.owner.Get(ctx, numberdb.AnyTenant, id); getErr == nil {
			pool = known.Pool
		}
	}
	return d.answer(s, err, c.Reveal, pool)
}

// answer is a session, or why there is none.
func (d *sessionDesk) answer(s numberdb.Session, err error, reveal bool, pool string) (api.Session, error) {
	switch {
	case err == nil:
		return sessionOf(&s, time.Now(), reveal), nil
	case errors.Is(err, numberdb.ErrNotYetRouted):
		a := sessionOf(&s, time.Now(), reveal)
		a.Warning = "it is in the store, but this edge does not route it yet"
		return a, nil
	case errors.Is(err, sessions.ErrTTL):
		return api.Session{}, d.ttlProblem(pool)
	default:
		return api.Session{}, problemOf(err)
	}
}

// bounds are those of the life of a pool's sessions; most 0: none.
func (d *sessionDesk) bounds(pool string) (least, most time.Duration) {
	most = d.lifecycle.MaxTTL
	for _, p := range d.owner.Pools() {
		if p.Name == pool {
			least, most = p.Policy.MinTTL, cmp.Or(p.Policy.MaxTTL, most)
		}
	}
	return least, most
}

// ttlProblem names the bounds.
func (d *sessionDesk) ttlProblem(pool string) error {
	least, most := d.bounds(pool)
	bounds := "above 0"
	if least > 0 {
		bounds = fmt.Sprintf("from %v", api.Duration(least))
	}
	if most > 0 {
		bounds += fmt.Sprintf(" to %v, extensions included", api.Duration(most))
	}
	return &api.Problem{Problem: fmt.Sprintf("ttl: pool %q allows times %s; pools set changes that", pool, bounds), Code: api.CodeInvalid}
}

// sessionOf is a session in the words of the API. Numbers are redacted unless
// they are to be whole; masks are ours.
func sessionOf(s *numberdb.Session, now time.Time, reveal bool) api.Session {
	a := api.Session{
		ID: s.ID.Text(numberdb.SessionPrefix), Tenant: s.Tenant, Pool: s.Pool, Shape: s.Shape.String(), State: s.State(now),
		Services: s.Services.String(), CreatedAt: s.Created.UTC(), ExpiresAt: s.Expires.UTC(), IdleTTL: api.Duration(s.IdleTTL), MaxUses: s.MaxUses,
		Label: e164.Redact(s.Label), Participants: make([]api.Participant, len(s.Participants)),
	}
	if reveal {
		a.Label = s.Label
	}
	for i := range s.Participants {
		p, out := &s.Participants[i], &a.Participants[i]
		out.Dial, out.Second = p.Dial.Reveal(), p.Second.Reveal()
		own := p.To.Kind == numberdb.Tel && p.To.Number == p.Number
		if p.Number != 0 {
			out.Number = p.Number.String()
		}
		if reveal {
			out.Number = p.Number.Reveal()
		}
		switch {
		case own || p.To.Kind == numberdb.NoEndpoint:
		case reveal:
			out.To = p.To.Reveal()
		default:
			out.To = p.To.String()
		}
	}
	return a
}
