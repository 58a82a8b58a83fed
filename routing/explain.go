package routing

// Judgement is one carrier's place in an explanation.
type Judgement struct {
	Carrier *Carrier
	Fitness Fitness
	Place   int // 1 for the first candidate; 0 where it is none
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

var saying = [actions]string{"lets through: ", "refuses: ", "acknowledges and drops: ", "keeps the word: ", "keeps the word: "}

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
		all = append(all, Judgement{Carrier: plan.Carrier(i), Place: i + 1})
	}
	if plan.Emergency {
		return all
	}
	for _, c := range s.carriers {
		if fit, _ := c.fitness(req, plan); fit != Fit {
			all = append(all, Judgement{Carrier: c, Fitness: fit})
		}
	}
	return all
}
