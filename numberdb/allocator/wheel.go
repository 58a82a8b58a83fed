package allocator

// The wheel has a bucket for each tick at which something is due. Only ticks
// with nodes have one.

// schedule puts a node where it is due next: when it ends, when its quarantine
// is over, or when the deletion of its row is to be asked for again.
func (e *Engine) schedule(i uint32, n *node) {
	e.unschedule(n)
	at := n.live
	if n.phase != living {
		at = n.kept
	}
	e.scheduleAt(i, n, at)
}

func (e *Engine) scheduleAt(i uint32, n *node, at tick) {
	if at == never {
		return
	}
	at = max(at, e.turned+1)
	n.due = at
	n.duePrev, n.dueNext = 0, e.wheel[at]
	if n.dueNext != 0 {
		e.nodes.at(n.dueNext).duePrev = i
	}
	e.wheel[at] = i
}

func (e *Engine) unschedule(n *node) {
	if n.due == 0 {
		return
	}
	if n.dueNext != 0 {
		e.nodes.at(n.dueNext).duePrev = n.duePrev
	}
	switch {
	case n.duePrev != 0:
		e.nodes.at(n.duePrev).dueNext = n.dueNext
	case n.dueNext != 0:
		e.wheel[n.due] = n.dueNext
	default:
		delete(e.wheel, n.due)
	}
	n.due, n.dueNext, n.duePrev = 0, 0, 0
}

// turn takes out one node that is due at now, 0 for none.
func (e *Engine) turn(now tick) uint32 {
	if e.turned == 0 || len(e.wheel) == 0 {
		e.leap(now)
	}
	for e.turned < now {
		if i := e.wheel[e.turned+1]; i != 0 {
			e.unschedule(e.nodes.at(i))
			return i
		}
		e.turned++
	}
	return 0
}

// leap goes on to the first tick with nodes, as after a start.
func (e *Engine) leap(now tick) {
	first := now
	for at := range e.wheel {
		first = min(first, at-1)
	}
	e.turned = max(e.turned, first)
}
