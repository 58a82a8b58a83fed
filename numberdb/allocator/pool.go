package allocator

import (
	"cmp"
	"math"
	"slices"
	"time"

	"maskline/numberdb"
)

// pool is a set of masks in the order of country and digits, so that a country
// and a prefix are ranges of it.
type pool struct {
	numberdb.Pool
	known     bool // it was told by SetPool
	members   []uint32
	added     []uint32 // not yet in members
	removed   bool     // members holds some that have left
	countries []span
	live      int // bindings of parties
	publics   int // masks with a binding of everybody
	trend     trend
}

// span is the range of a country's masks among the members.
type span struct {
	country country
	lo, hi  uint32
}

// country packs two letters; 0 is unknown.
type country uint16

func packCountry(s string) country {
	if len(s) != 2 {
		return 0
	}
	return country(s[0])<<8 | country(s[1])
}

// SetPool adds a pool or changes its policy. What is held already stays so.
func (e *Engine) SetPool(p numberdb.Pool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := &e.pools[e.poolOf(p.Name)]
	of.Pool, of.known = p, true
}

// RemovePool forgets a pool. Its masks have left it before. What was counted of
// it goes on where one of this name is made again.
func (e *Engine) RemovePool(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.byPool[name]; i != 0 {
		e.pools[i].Pool, e.pools[i].known = numberdb.Pool{Name: name}, false
	}
}

// Policy is the policy of a pool with the defaults filled in that are the
// engine's to know, false where there is no such pool.
func (e *Engine) Policy(name string) (numberdb.PoolPolicy, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.byPool[name]
	if !e.pools[i].known {
		return numberdb.PoolPolicy{}, false
	}
	policy := e.pools[i].Policy
	policy.Quarantine = e.quarantine(i)
	policy.Parties = e.pools[i].Policy.Parties
	if policy.Parties == 0 {
		policy.Parties = e.config.Parties
	}
	return policy, true
}

// mayUse finds a pool that a tenant may use.
func (e *Engine) mayUse(tenant, name string) (uint32, error) {
	i := e.byPool[name]
	if p := &e.pools[i]; !p.known || p.Tenant != "" && p.Tenant != tenant {
		return 0, ErrPool
	}
	return i, nil
}

// poolOf finds or makes a pool's record. A mask may be told before its pool.
func (e *Engine) poolOf(name string) uint32 {
	if name == "" {
		return 0
	}
	i := e.byPool[name]
	if i == 0 {
		i = uint32(len(e.pools))
		e.pools = append(e.pools, pool{Pool: numberdb.Pool{Name: name}})
		e.byPool[name] = i
	}
	return i
}

func (e *Engine) quarantine(p uint32) time.Duration {
	if q := e.pools[p].Policy.Quarantine; q > 0 {
		return q
	}
	return e.config.Quarantine
}

func (e *Engine) ceiling(p *pool) int32 {
	n := p.Policy.Parties
	if n == 0 {
		n = e.config.Parties
	}
	if n <= 0 || n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int32(n)
}

// settle brings the members up to date after masks came or left.
func (e *Engine) settle(i uint32) *pool {
	p := &e.pools[i]
	if len(p.added) == 0 && !p.removed {
		return p
	}
	order := func(a, b uint32) int {
		x, y := &e.masks[a], &e.masks[b]
		return cmp.Or(cmp.Compare(x.country, y.country), cmp.Compare(x.digits, y.digits), cmp.Compare(x.number, y.number))
	}
	left := func(m uint32) bool { return e.masks[m].pool != i || !e.masks[m].member }
	if p.removed {
		p.added, p.members = append(p.members, p.added...), nil
	}
	added, old := slices.DeleteFunc(p.added, left), p.members
	slices.SortFunc(added, order)
	merged := make([]uint32, 0, len(old)+len(added))
	for len(old) > 0 && len(added) > 0 {
		if order(old[0], added[0]) <= 0 {
			merged, old = append(merged, old[0]), old[1:]
		} else {
			merged, added = append(merged, added[0]), added[1:]
		}
	}
	p.members = slices.Compact(append(append(merged, old...), added...))
	p.added, p.removed, p.countries = nil, false, p.countries[:0]
	for at, m := range p.members {
		e.masks[m].position = uint32(at)
		of := e.masks[m].country
		if last := len(p.countries) - 1; last < 0 || p.countries[last].country != of {
			p.countries = append(p.countries, span{of, uint32(at), uint32(at)})
		}
		p.countries[len(p.countries)-1].hi++
	}
	return p
}
