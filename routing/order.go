package routing

import (
	"math"

	"maskline/e164"
)

type candidate struct {
	carrier *Carrier
	present e164.Number
	cost    uint64 // of a unit, in millionths
	rank    rank
}

// rank orders the candidates of one plan, smaller first.
type rank struct {
	second    bool   // only the binding's second mask may be presented through it
	preferred int    // place in the binding's list
	prefix    int    // length of the matching prefix, longer first
	cost      uint64 // 0 unless carriers are ordered by cost
	lack      uint8  // of quality, likewise
	priority  int
	draw      float64 // weighted lot among equals
}

func (a *rank) before(b *rank) bool {
	switch {
	case a.second != b.second:
		return b.second
	case a.preferred != b.preferred:
		return a.preferred < b.preferred
	case a.prefix != b.prefix:
		return a.prefix > b.prefix
	case a.cost != b.cost:
		return a.cost < b.cost
	case a.lack != b.lack:
		return a.lack < b.lack
	case a.priority != b.priority:
		return a.priority < b.priority
	default:
		return a.draw < b.draw
	}
}

// order fills the plan with the carriers that are fit, best first. Where there
// are more than the plan holds, the best stay.
func (s *state) order(req *Request, plan *Plan) {
	masks := s.masksOf(plan)
	if len(plan.preferred) > 0 {
		for i, c := range s.carriers {
			if at := indexOf(plan.preferred, c.Name); at >= 0 {
				s.consider(req, plan, &masks, i, 0, rank{preferred: at})
			}
		}
		s.price(req, plan)
		return
	}
	walk := s.prefixes.Walk(plan.To.Number, req.Service, req.Now)
	for m, found := walk.Next(); found; m, found = walk.Next() {
		if m.Quality < s.minQuality {
			continue
		}
		k := rank{prefix: int(m.Length)}
		if s.byCost {
			k.cost, k.lack = m.Cost, lackOf(m.Quality)
		}
		s.consider(req, plan, &masks, int(m.Carrier), m.Cost, k)
	}
}

// price finds what the binding's own carriers cost: they are taken whatever they
// serve, and cost nothing where no prefix says so.
func (s *state) price(req *Request, plan *Plan) {
	if s.usage == nil {
		return
	}
	walk := s.prefixes.Walk(plan.To.Number, req.Service, req.Now)
	for m, found := walk.Next(); found; m, found = walk.Next() {
		for i := range plan.candidates[:plan.count] {
			if c := &plan.candidates[i]; c.carrier == s.carriers[m.Carrier] {
				c.cost = m.Cost
			}
		}
	}
}

// lackOf is what is missing of the best quality; all, where none is known.
func lackOf(quality uint8) uint8 {
	const best = 100
	if quality > best {
		return best + 1
	}
	return best - quality
}

// consider makes a carrier a candidate where it is fit.
func (s *state) consider(req *Request, plan *Plan, masks *masks, place int, cost uint64, k rank) {
	c := s.carriers[place]
	if c.ready(req) != Fit {
		return
	}
	present, second, may := masks.through(c, plan)
	if !may {
		return
	}
	k.second = second
	k.priority = c.Priority
	k.draw = draw(req.Seed, place, c.Weight)
	plan.insert(candidate{c, present, cost, k})
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
