package allocator

import (
	"math"
	"time"

	"maskline/numberdb"
)

// Report is what the engine holds, for metrics.
type Report struct {
	Bindings int // all nodes
	Parties  int // with bindings
	Sessions int
	Pools    []PoolReport
}

// PoolReport tells of one pool.
type PoolReport struct {
	Name      string
	Masks     [numberdb.Retired + 1]int // by state
	Live      int                       // bindings of parties
	Kept      int                       // bindings in quarantine, or whose row waits for its deletion
	Public    int                       // masks that everybody may contact
	LoadMin   int                       // parties with a free mask at a time
	LoadAvg   float64
	LoadMax   int
	Need      float64       // masks that the pool needed at most in this hour
	Days      float64       // until it is exhausted; +Inf: not by this trend; NaN: not known yet
	Reuse     time.Duration // the shortest reuse distance of a party of late; 0: not known
	Exhausted [reasons]int  // requests refused, by Reason
}

// Report tells what is held now. It looks at every mask.
func (e *Engine) Report() Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := Report{Bindings: e.nodes.count(), Parties: len(e.byParty) - 1 - e.idleCount, Sessions: len(e.sessions)}
	for i := 1; i < len(e.pools); i++ {
		if e.pools[i].known {
			r.Pools = append(r.Pools, e.reportOf(uint32(i)))
		}
	}
	return r
}

func (e *Engine) reportOf(i uint32) PoolReport {
	p := e.settle(i)
	r := PoolReport{
		Name: p.Name, Live: p.live, LoadMin: math.MaxInt, Need: p.trend.now.Need, Days: math.NaN(),
		Reuse: p.trend.distance(), Exhausted: p.trend.exhausted,
	}
	sum := 0
	for _, m := range p.members {
		of := &e.masks[m]
		r.Masks[of.state]++
		r.Kept += int(of.used) - int(of.load)
		if of.public != 0 {
			r.Public++
			if e.nodes.at(of.public).phase == living {
				r.Kept--
			}
		}
		if of.state == numberdb.Free {
			load := int(of.load)
			sum, r.LoadMin, r.LoadMax = sum+load, min(r.LoadMin, load), max(r.LoadMax, load)
		}
	}
	if free := r.Masks[numberdb.Free]; free > 0 {
		r.LoadAvg = float64(sum) / float64(free)
	} else {
		r.LoadMin = 0
	}
	samples := p.trend.samples
	if p.trend.now.Need > 0 {
		samples = append(samples[:len(samples):len(samples)], p.trend.now)
	}
	if days, ok := forecast(samples, r.Masks[numberdb.Free]+r.Masks[numberdb.Held]+r.Masks[numberdb.Quarantined]); ok {
		r.Days = days
	}
	return r
}

// exhausted counts a refusal.
func (e *Engine) exhausted(x *Exhausted) {
	if i := e.byPool[x.Pool]; i != 0 {
		e.pools[i].trend.exhausted[x.Reason]++
	}
}

// observe notes what a pick tells of the pool's need and of the party's round.
func (e *Engine) observe(i uint32, p *party, now tick, second bool) {
	if i == 0 {
		return
	}
	const (
		weight = 8 // of the past in the mean interval
		enough = 8 // picks that make a rate
	)
	of := &e.pools[i]
	if !second && p.number != 0 {
		if p.picks > 0 {
			p.interval += (float32(now-min(p.last, now)) - p.interval) / float32(min(p.picks, weight))
		}
		p.last = now
		p.picks++
	}
	need := 0.0
	if p.number != 0 && float64(p.count) > of.trend.now.Need {
		need = float64(e.countIn(p, i))
	}
	if ceiling := e.ceiling(of); ceiling != math.MaxInt32 {
		need = max(need, math.Ceil(float64(of.live)/float64(ceiling)))
	}
	need += float64(of.publics)
	reuse := 0.0
	if p.picks > enough && !second {
		interval := time.Duration(float64(p.interval) * float64(tickLength))
		reuse = reuseDistance(len(of.members), interval, e.quarantine(i)).Seconds()
	}
	of.trend.note(int(now/ticksAnHour), need, reuse)
}

// countIn is how many masks of a pool a party has, in quarantine too.
func (e *Engine) countIn(p *party, pool uint32) (count int) {
	for i := p.head; i != 0; {
		n := e.nodes.at(i)
		if e.masks[n.mask].pool == pool {
			count++
		}
		i = n.partyNext
	}
	return count
}

const ticksAnHour = tick(time.Hour / tickLength)
