package routing

import (
	"maskline/e164"
	"maskline/routing/prefix"
)

// Judgement is one carrier's place in an explanation.
type Judgement struct {
	Carrier *Carrier
	Fitness Fitness
	Place   int         // 1 for the first candidate; 0 where it is none
	Present e164.Number // what the destination sees through it; none where it is no candidate

	Offer prefix.Match // its terms for the destination, where HasOffer
	// HasOffer is false also where the binding names its carriers, and for
	// emergency calls: prefixes are not asked then.
	HasOffer bool
}

// Said is what one rule of the chain said to a request.
type Said struct {
	Rule string
	What string
}

// Explanation is a plan with its reasons.
type Explanation struct {
	Plan     Plan
	Rules    []Said      // every rule, in order
	Carriers []Judgement // every carrier; none where no carrier takes part
}

var saying = [actions]string{"lets through: ", "refuses: ", "acknowledges and drops: ", "keeps the word: ", "keeps the word: ", "answers: ", "finds a reply slot first: "}

// Explain makes the plan, and says of every rule what it said and of every
// carrier why it is in the plan or not. It changes and counts nothing: an
// opt-out word is not noted.
func (r *Router) Explain(req *Request) Explanation {
	var x Explanation
	s := r.state.Load()
	req.begin()
	decided := s.run(req, &x.Plan)
	for i := range s.steps {
		said := Said{Rule: s.steps[i].name, What: "passes"}
		switch {
		case i == decided:
			said.What = saying[actionOf(req, &x.Plan)] + x.Plan.Verdict.String()
		case i > decided:
			said.What = "not asked"
		}
		x.Rules = append(x.Rules, said)
	}
	x.Carriers = s.judgements(req, &x.Plan)
	return x
}

func (s *state) judgements(req *Request, plan *Plan) (all []Judgement) {
	if plan.Verdict != NoCarrier && plan.count == 0 {
		return nil
	}
	for i := range plan.count {
		all = append(all, Judgement{Carrier: plan.Carrier(i), Place: i + 1, Present: plan.Presented(i)})
	}
	if plan.Emergency {
		return all
	}
	offers := map[*Carrier]prefix.Match{}
	if len(plan.preferred) == 0 {
		walk := s.prefixes.Walk(plan.To.Number, req.Service, req.Now)
		for m, found := walk.Next(); found; m, found = walk.Next() {
			offers[s.carriers[m.Carrier]] = m
		}
	}
	masks := s.masksOf(plan)
	for _, c := range s.carriers {
		if fit := s.fitness(req, plan, &masks, c, offers); fit != Fit {
			all = append(all, Judgement{Carrier: c, Fitness: fit})
		}
	}
	for i := range all {
		all[i].Offer, all[i].HasOffer = offers[all[i].Carrier]
	}
	return all
}

// fitness says of one carrier what order decides of all.
func (s *state) fitness(req *Request, plan *Plan, masks *masks, c *Carrier, offers map[*Carrier]prefix.Match) Fitness {
	offer, serves := offers[c]
	switch preferred := len(plan.preferred) > 0; {
	case !c.Services.Has(req.Service):
		return NoService
	case preferred && indexOf(plan.preferred, c.Name) < 0:
		return NotPreferred
	case !preferred && !serves:
		return NoPrefix
	case !preferred && offer.Quality < s.minQuality:
		return LowQuality
	}
	if fit := c.ready(req); fit != Fit {
		return fit
	}
	if _, _, may := masks.through(c, plan); !may {
		return NotPresented
	}
	return Fit
}
