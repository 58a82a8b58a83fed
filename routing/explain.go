package routing

// Judgement is one carrier's place in an explanation.
type Judgement struct {
	Carrier *Carrier
	Fitness Fitness
	Place   int // 1 for the first candidate; 0 where it is none
}

// Explain makes the plan and says of every carrier why it is in it or not. The
// judgements are empty where no carrier takes part.
func (r *Router) Explain(req *Request) (Plan, []Judgement) {
	var plan Plan
	s := r.state.Load()
	s.decide(r.table, req, &plan)
	if plan.Verdict != Forward {
		plan.Answer = s.answers.of(plan.Verdict)
	}
	if plan.Verdict != NoCarrier && plan.count == 0 {
		return plan, nil
	}
	var all []Judgement
	for i := range plan.count {
		all = append(all, Judgement{Carrier: plan.Carrier(i), Place: i + 1})
	}
	if plan.Emergency {
		return plan, all
	}
	for _, c := range s.carriers {
		if fit, _ := c.fitness(req, &plan); fit != Fit {
			all = append(all, Judgement{Carrier: c, Fitness: fit})
		}
	}
	return plan, all
}
