package guard

import "time"

// ScoreConfig says when a key's doings count as abuse. Each of the first fields is
// what a rule lets pass in an hour; 0: the rule is off.
type ScoreConfig struct {
	Allocations  int // sessions and leases made
	Leases       int // leases made
	Rotations    int // masks changed or given back at once
	Countries    int // calling codes that are new for the tenant
	Neighbours   int // numbers next to ones that were reached before, where they are most of all
	RefusedRange int // numbers of denied ranges asked for

	Throttle int // points from which the key's rate is tightened; 0: never
	StepUp   int // points from which nothing new is given out; 0: never
	Suspend  int // points from which the key is suspended; 0: never
	Slow     int // requests in a second of a key at Throttle, where it has no limit; 0: 10
}

// Point is what a rule adds to a score, and why.
type Point struct {
	Rule   string
	Points int
	Count  int // in the last hour
	Limit  int // that passes
}

// Score is what is held against a key.
type Score struct {
	Points int
	Why    []Point
}

// The points of each rule when its limit is passed; at twice the limit it gives half
// as many again, and at four times and more twice as many.
const (
	pointsSurge      = 30
	pointsLeases     = 40
	pointsRotations  = 40
	pointsCountries  = 30
	pointsNeighbours = 50
	pointsRefused    = 50
)

const defaultSlow = 10

// of is the score of what a key did in an hour.
func (c *ScoreConfig) of(did *[acts]uint32) (s Score) {
	for _, rule := range [...]struct {
		name   string
		act    Act
		limit  int
		points int
	}{
		{"allocations", Allocated, c.Allocations, pointsSurge},
		{"leases", Leased, c.Leases, pointsLeases},
		{"rotations", Rotated, c.Rotations, pointsRotations},
		{"new-countries", NewCountry, c.Countries, pointsCountries},
		{"sequential-numbers", Neighbour, c.Neighbours, pointsNeighbours},
		{"denied-ranges", RefusedRange, c.RefusedRange, pointsRefused},
	} {
		count := int(did[rule.act])
		if rule.limit <= 0 || count <= rule.limit {
			continue
		}
		if rule.act == Neighbour && 2*count < int(did[Reached]) {
			continue // among many numbers some are neighbours
		}
		points := rule.points
		switch {
		case count >= 4*rule.limit:
			points *= 2
		case count >= 2*rule.limit:
			points += points / 2
		}
		s.Points += points
		s.Why = append(s.Why, Point{rule.name, points, count, rule.limit})
	}
	return s
}

func (c *ScoreConfig) throttles(points int) bool { return c.Throttle > 0 && points >= c.Throttle }
func (c *ScoreConfig) stepsUp(points int) bool   { return c.StepUp > 0 && points >= c.StepUp }
func (c *ScoreConfig) suspends(points int) bool  { return c.Suspend > 0 && points >= c.Suspend }

// tightened is the rate of a key with so many points: a tenth of its own.
func (r *Rules) tightened(limit, points int) int {
	if !r.Score.throttles(points) {
		return limit
	}
	slow := r.Score.Slow
	if slow <= 0 {
		slow = defaultSlow
	}
	if limit > 0 {
		return min(slow, max(1, limit/10))
	}
	return slow
}

// score is a key's now.
func (g *Guard) score(rules *Rules, who Who, now time.Time) (s Score) {
	if who.Key == "" || !rules.Score.any() {
		return s
	}
	g.keys.find(who.Key, func(k *keyState) {
		did := k.lastHour(now)
		s = rules.Score.of(&did)
	})
	return s
}

func (c *ScoreConfig) any() bool {
	return c.Allocations > 0 || c.Leases > 0 || c.Rotations > 0 || c.Countries > 0 || c.Neighbours > 0 || c.RefusedRange > 0
}
