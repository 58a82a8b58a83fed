package sessions

import (
	"context"
	"runtime"
	"sync"
)

// gathering is what run knows of the works that are not answered yet.
type gathering struct {
	committer *committer
	group     []*work   // the next one
	rows      *together // that it touches
	later     *work     // not for that group; nil: whatever comes may join it
	under     []*flight
	landed    chan *flight
	spare     []*together // of groups that were written
}

// flight is a group that is being written.
type flight struct {
	group []*work
	rows  *together
}

// run writes until ctx ends and nothing waits; what comes later is refused by do.
// Commits outlive ctx: each has a bound of its own. Waits for the table do not: it
// follows the store no longer than this runs.
func (c *committer) run(ctx context.Context) {
	defer close(c.ended)
	g := &gathering{committer: c, landed: make(chan *flight, c.atOnce)}
	writing := context.WithoutCancel(ctx)
	var writers sync.WaitGroup
	defer writers.Wait()
	for g.wait(ctx) {
		g.gather()
		for g.ready() {
			f := g.start()
			writers.Go(func() {
				routing := c.write(writing, f.group)
				g.landed <- f
				c.route(ctx, routing)
			})
		}
	}
}

// wait returns when there is something new; false: all is written, and ctx has
// ended.
func (g *gathering) wait(ctx context.Context) bool {
	ended := ctx.Done()
	for {
		queue := g.committer.queue
		if !g.isOpen() {
			queue = nil
		}
		if ended == nil { // what is left
			select {
			case w := <-queue:
				g.add(w)
				return true
			default:
			}
			if len(g.under) == 0 {
				return false
			}
			queue = nil
		}
		select {
		case w := <-queue:
			g.add(w)
			return true
		case f := <-g.landed:
			g.land(f)
			return true
		case <-ended:
			ended = nil
		}
	}
}

// gather takes in what waits.
func (g *gathering) gather() {
	if len(g.under) == 0 && len(g.group) > 0 {
		// Callers that one commit has answered come back together: the first of
		// them lets the others in.
		runtime.Gosched()
	}
	for g.isOpen() {
		select {
		case w := <-g.committer.queue:
			g.add(w)
		case f := <-g.landed:
			g.land(f)
		default:
			return
		}
	}
}

// isOpen tells whether works are taken in. While all that may be written at once
// is, they stay in the queue.
func (g *gathering) isOpen() bool { return len(g.under) < g.committer.atOnce && !g.isFull() }

func (g *gathering) isFull() bool {
	return g.later != nil || len(g.group) == mostWorks || len(g.group) > 0 && g.rows.rows >= mostRows
}

// add puts a work into the next group, or behind it. What is being written goes
// before both.
func (g *gathering) add(w *work) {
	switch {
	case g.meets(w) || len(g.group) > 0 && g.rows.meets(&w.writes):
		g.later = w
	case len(g.group) == 0:
		g.group, g.rows = make([]*work, 1, mostWorks), g.touched()
		g.group[0] = w
		g.rows.put(&w.writes)
	default:
		g.group = append(g.group, w)
		g.rows.put(&w.writes)
	}
}

// touched is for the rows of a new group.
func (g *gathering) touched() *together {
	last := len(g.spare) - 1
	if last < 0 {
		return newTogether()
	}
	t := g.spare[last]
	g.spare = g.spare[:last]
	return t
}

func (g *gathering) meets(w *work) bool {
	for _, f := range g.under {
		if f.rows.meets(&w.writes) {
			return true
		}
	}
	return false
}

// ready tells whether the next group is to be written now: beside others only one
// that is worth a commit and no smaller than they are.
func (g *gathering) ready() bool {
	if len(g.group) == 0 || len(g.under) == g.committer.atOnce {
		return false
	}
	if len(g.under) == 0 || g.isFull() {
		return true
	}
	works := g.committer.beside
	for _, f := range g.under {
		works = max(works, len(f.group))
	}
	return len(g.group) >= works
}

func (g *gathering) start() *flight {
	f := &flight{g.group, g.rows}
	g.under = append(g.under, f)
	g.group, g.rows = nil, nil
	g.revive()
	return f
}

func (g *gathering) land(f *flight) {
	for i := range g.under {
		if g.under[i] == f {
			g.under = append(g.under[:i], g.under[i+1:]...)
			f.rows.clear()
			g.spare = append(g.spare, f.rows)
			break
		}
	}
	g.revive()
}

// revive lets in what had to wait, if it may join now.
func (g *gathering) revive() {
	if w := g.later; w != nil {
		g.later = nil
		g.add(w)
	}
}
