package rest

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

// RestrictionList holds the opt-outs and blocks that the edge decides by.
// *numberdb.Restrictions does.
type RestrictionList interface {
	// Of calls fn for those of exactly this party and mask until it returns false.
	Of(kind numberdb.RestrictionKind, mask, party e164.Number, fn func(numberdb.Restriction) bool)
	// Apply stores changes; when it returns, the edge decides by them.
	Apply(ctx context.Context, changes []numberdb.RestrictionChange) error
}

// Restrictions are the resources /v1/optouts and /v1/blocks. The number of a person
// never stands in an address: lists are asked for by POST, and pages of all of them
// are at the command line.
type Restrictions struct {
	List   RestrictionList
	Tenant func(name string) bool
	Now    func() time.Time
}

// Register adds the operations.
func (r *Restrictions) Register(to huma.API) {
	at := func(id, path, summary string, scope auth.Scope, problems ...problem.Code) Operation {
		return Operation{
			ID: id, Method: http.MethodPost, Path: "/v1" + path, Summary: summary, Tag: "restrictions", Scope: scope,
			Problems: append([]problem.Code{problem.InvalidNumber}, problems...),
		}
	}
	Register(to, at("findOptOuts", "/optouts/search", "Read the opt-outs of a person", auth.RestrictionsRead), r.finding(numberdb.OptOut))
	create := at("createOptOut", "/optouts", "Send a person no more messages", auth.RestrictionsWrite)
	create.Text = "Setting one that stands is no fault."
	create.Status = http.StatusCreated
	Register(to, create, r.setting(numberdb.OptOut, false))
	Register(to, at("liftOptOut", "/optouts/lift", "End the opt-outs of a person", auth.RestrictionsWrite, problem.NotFound), r.setting(numberdb.OptOut, true))
	Register(to, at("findBlocks", "/blocks/search", "Read the blocks of a person", auth.RestrictionsRead), r.finding(numberdb.Block))
	block := at("createBlock", "/blocks", "Keep a person, a mask or the pair from contact", auth.RestrictionsWrite)
	block.Text = create.Text
	block.Status = http.StatusCreated
	Register(to, block, r.setting(numberdb.Block, false))
	Register(to, at("liftBlock", "/blocks/lift", "End a block", auth.RestrictionsWrite, problem.NotFound), r.setting(numberdb.Block, true))
}

// Restriction is an opt-out or a block as the API shows it.
type Restriction struct {
	Tenant string    `json:"tenant,omitempty" doc:"Whose; none: the operator's own, a block of all."`
	Number string    `json:"number,omitempty" doc:"The person's, redacted unless the key has pii:read; none: everybody."`
	Mask   string    `json:"mask,omitempty" doc:"Of a block: at this mask; none: at every one."`
	Peer   string    `json:"peer,omitempty" doc:"Of an opt-out: the other end of one conversation; none: all of the tenant."`
	Since  time.Time `json:"since"`
}

type restrictionInput struct {
	Body struct {
		Number string `json:"number,omitempty" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a plus and 7 to 15 digits" doc:"The person's."`
		Mask   string `json:"mask,omitempty" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a plus and 7 to 15 digits" doc:"Of a block."`
		Tenant string `json:"tenant,omitempty" maxLength:"64" doc:"Whose; for the operator's keys."`
	}
}

// wanted reads what is asked for, of the caller's tenant.
func (r *Restrictions) wanted(ctx context.Context, in *restrictionInput, kind numberdb.RestrictionKind) (x numberdb.Restriction, err error) {
	who := auth.From(ctx)
	x = numberdb.Restriction{Kind: kind, Tenant: in.Body.Tenant, Since: r.Now().UTC().Truncate(time.Microsecond)}
	switch {
	case !who.Operator() && in.Body.Tenant != "" && in.Body.Tenant != who.Tenant:
		return x, noTenant()
	case !who.Operator():
		x.Tenant = who.Tenant
	case x.Tenant != "" && !r.Tenant(x.Tenant):
		return x, noTenant()
	}
	for _, field := range []struct {
		text string
		to   *e164.Number
	}{{in.Body.Number, &x.Party}, {in.Body.Mask, &x.Mask}} {
		if field.text == "" {
			continue
		}
		if *field.to, err = e164.Parse(field.text); err != nil {
			return x, problem.New(problem.InvalidNumber)
		}
		*field.to = field.to.Canonical()
	}
	if x.Check() != nil {
		if kind == numberdb.OptOut {
			return x, problem.Invalid("body", "expected a number and no mask")
		}
		return x, problem.Invalid("body", "expected a number, a mask or both")
	}
	return x, nil
}

func (r *Restrictions) finding(kind numberdb.RestrictionKind) func(context.Context, *restrictionInput) (*Answer[List[Restriction]], error) {
	return func(ctx context.Context, in *restrictionInput) (*Answer[List[Restriction]], error) {
		x, err := r.wanted(ctx, in, kind)
		if err != nil {
			return nil, err
		}
		who := auth.From(ctx)
		list := List[Restriction]{Data: []Restriction{}}
		for _, found := range r.standing(&x, who.Operator() && in.Body.Tenant == "") {
			list.Data = append(list.Data, restrictionOf(&found, who.May(auth.PIIRead)))
		}
		return Answering(list), nil
	}
}

// mostFound bounds an answer: a person has one for each tenant and conversation.
const mostFound = 1000

// standing are those of the person and mask, of the tenant or of all.
func (r *Restrictions) standing(x *numberdb.Restriction, all bool) (found []numberdb.Restriction) {
	r.List.Of(x.Kind, x.Mask, x.Party, func(other numberdb.Restriction) bool {
		if all || other.Tenant == x.Tenant {
			found = append(found, other)
		}
		return len(found) < mostFound
	})
	slices.SortFunc(found, func(a, b numberdb.Restriction) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Peer.Kind, b.Peer.Kind), cmp.Compare(a.Peer.Number, b.Peer.Number))
	})
	return found
}

func restrictionOf(x *numberdb.Restriction, whole bool) Restriction {
	out := Restriction{Tenant: x.Tenant, Mask: x.Mask.Reveal(), Since: x.Since.UTC()}
	if x.Party != 0 {
		if out.Number = x.Party.String(); whole {
			out.Number = x.Party.Reveal()
		}
	}
	if x.Peer.Kind != numberdb.NoEndpoint {
		if out.Peer = x.Peer.String(); whole {
			out.Peer = x.Peer.Reveal()
		}
	}
	return out
}

func (r *Restrictions) setting(kind numberdb.RestrictionKind, lifted bool) func(context.Context, *restrictionInput) (*Answer[Restriction], error) {
	return func(ctx context.Context, in *restrictionInput) (*Answer[Restriction], error) {
		x, err := r.wanted(ctx, in, kind)
		if err != nil {
			return nil, err
		}
		changes := []numberdb.RestrictionChange{{Restriction: x}}
		if lifted {
			changes = nil
			for _, found := range r.standing(&x, false) {
				found.Since = x.Since
				changes = append(changes, numberdb.RestrictionChange{Restriction: found, Lifted: true})
			}
			if len(changes) == 0 {
				return nil, problem.New(problem.NotFound)
			}
		}
		if err := r.List.Apply(ctx, changes); err != nil {
			return nil, problem.Unavailable()
		}
		who := auth.From(ctx)
		return Answering(restrictionOf(&x, who.May(auth.PIIRead))), nil
	}
}
