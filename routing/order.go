package routing

import "math"

type candidate struct {
	carrier *Carrier
	rank    rank
}

// rank orders the candidates of one plan, smaller first.
type rank struct {
	preferred int     // place in the binding's list
	prefix    int     // length of the matching prefix, longer first
	cost      float64 // 0 unless carriers are ordered by cost
	priority  int
	draw      float64 // weighted lot among equals
}

func (a *rank) before(b *rank) bool {
	switch {
	case a.preferred != b.preferred:
		return a.preferred < b.preferred
	case a.prefix != b.prefix:
		return a.prefix > b.prefix
	case a.cost != b.cost:
		return a.cost < b.cost
	case a.priority != b.priority:
		return a.priority < b.priority
	default:
		return a.draw < b.draw
	}
}

// order fills the plan with the carriers that are fit, best first. Where there
// are more than the plan holds, the best stay.
func (s *state) order(req *Request, plan *Plan) {
	for i, c := range s.carriers {
		fit, k := c.fitness(req, plan)
		if fit != Fit {
			continue
		}
		if s.byCost {
			k.cost = c.Cost
		}
		k.priority = c.Priority
		k.draw = draw(req.Seed, i, c.Weight)
		plan.insert(candidate{c, k})
	}
}

func (p *Plan) insert(c candidate) {
	i := p.count
	if i == MaxCandidates {
		if !c.rank.before(&p.candidates[i-1].rank) {
			return
		}
		i--
	} else {
		p.count++
	}
	for ; i > 0 && c.rank.before(&p.candidates[i-1].rank); i-- {
		p.candidates[i] = p.candidates[i-1]
	}
	p.candidates[i] = c
}

// draw is a weighted lot: sorting carriers by -ln(u)/weight, u uniform, puts
// each first with the probability of its share (Efraimidis and Spirakis, 2006).
// u depends only on the seed and the carrier's place in the configuration.
func draw(seed uint64, place, weight int) float64 {
	x := seed + uint64(place+1)*0x9E3779B97F4A7C15 // splitmix64
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	x ^= x >> 31
	u := (float64(x>>11) + 0.5) / (1 << 53)
	return -math.Log(u) / float64(weight)
}
