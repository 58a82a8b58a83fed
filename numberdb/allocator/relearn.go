package allocator

import "maskline/numberdb"

// Relearn tells that everything the store holds is to be learned anew, since its
// feed has lost something.
func (e *Engine) Relearn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.generation++
}

// Relearned tells that all of it was: what was not among it is gone from the
// store. Decisions of the engine that the feed has not shown yet stay.
func (e *Engine) Relearned() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.nodes.each {
		n := e.nodes.at(i)
		if n.phase != 0 && n.generation != e.generation && n.flags&(own|confirmed) != own && n.phase != blocked {
			e.unlink(i)
		}
	}
}

// Keys are the keys of a session's live bindings, reply slots included.
func (e *Engine) Keys(session numberdb.ID) (keys []numberdb.BindingKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := e.sessions[session]; session != 0 && i != 0; {
		n := e.nodes.at(i)
		if n.phase == living {
			keys = append(keys, keyOf(e, n))
		}
		i = n.sessionNext
	}
	return keys
}
