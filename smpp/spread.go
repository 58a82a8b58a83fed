package smpp

// Spreading: which of a destination's binds a message takes.
//
// A segment's bind follows from what its message's segments have in common, so
// all take the same one. Every other message takes the emptier of two binds
// drawn at random, which is nearly as even as the emptiest of all and costs two
// reads. Messages of one batch follow each other while that bind has room, so
// that one write carries them and one read brings their answers. Where the drawn
// bind cannot take it, all are tried: fit primaries, failing ones, then the
// backups, and stalled binds last.

// send gives a message to one of the binds; false where none can take it now.
func (d *destination) send(t *turn, m *message) bool {
	b := d.binds.Load()
	if m.sticky {
		s := b.forSegment(m.seed)
		return s != nil && (s.load.fitness() != stalled || m.mayHold()) && s.sendSegment(t, m)
	}
	if len(b.primary) == 1 && len(b.backup) == 0 {
		s := b.primary[0]
		return (s.load.fitness() != stalled || m.mayHold()) && s.send(t, m)
	}
	if s := t.following(d); s != nil && s.roomy() && s.send(t, m) {
		return true
	}
	s := sendOver(t, b.primary, m, fit, failing)
	if s == nil {
		s = sendOver(t, b.backup, m, fit, failing)
	}
	if s == nil && m.mayHold() {
		s = sendOver(t, b.primary, m, stalled, stalled)
	}
	if s == nil && m.mayHold() {
		s = sendOver(t, b.backup, m, stalled, stalled)
	}
	if s != nil {
		t.follow(d, s)
	}
	return s != nil
}

// roomy reports whether a batch may go on with this bind.
func (s *session) roomy() bool {
	return s.load.fitness() == fit && int(s.load.used.Load()) < s.window.limit
}

// full reports whether the window looked full a moment ago.
func (s *session) full() bool { return int(s.load.used.Load()) >= s.window.limit }

// sendOver tries the binds whose fitness is among these, and returns the one
// that took the message, nil where none did.
func sendOver(t *turn, list []*session, m *message, best, worst fitness) *session {
	n := uint64(len(list))
	if n == 0 {
		return nil
	}
	draw := t.draw()
	start := (draw >> 32) % n
	other := (start + 1 + uint64(uint32(draw))%max(n-1, 1)) % n
	if s := emptier(list[start], list[other]); s.load.fitness() == best && s.send(t, m) {
		return s
	}
	for f := best; f <= worst; f++ {
		for i := range n {
			if s := list[(start+i)%n]; s.load.fitness() == f && !s.full() && s.send(t, m) {
				return s
			}
		}
	}
	return nil
}

// emptier compares by the part of the window that is in use.
func emptier(a, b *session) *session {
	if int(b.load.used.Load())*a.window.limit < int(a.load.used.Load())*b.window.limit {
		return b
	}
	return a
}

// forSegment is the bind of all segments with a seed: the seed's own, or the
// next one that is not stalled. nil where no bind is up.
func (b *binds) forSegment(seed uint64) *session {
	list := b.primary
	if len(list) == 0 {
		list = b.backup
	}
	n := uint64(len(list))
	for i := range n {
		if s := list[(seed+i)%n]; s.load.fitness() != stalled {
			return s
		}
	}
	for i := range uint64(len(b.backup)) {
		if s := b.backup[(seed+i)%uint64(len(b.backup))]; s.load.fitness() != stalled {
			return s
		}
	}
	if n == 0 {
		return nil
	}
	return list[seed%n]
}

// allStalled reports whether no bind answers.
func (b *binds) allStalled() bool {
	for _, s := range b.primary {
		if s.load.fitness() != stalled {
			return false
		}
	}
	for _, s := range b.backup {
		if s.load.fitness() != stalled {
			return false
		}
	}
	return true
}

// followed is the bind that a batch's last message to a destination took.
type followed struct {
	destination *destination
	session     *session
}

// maxFollowed bounds the search for it.
const maxFollowed = 8

func (t *turn) following(d *destination) *session {
	for i := range t.followed {
		if t.followed[i].destination == d {
			return t.followed[i].session
		}
	}
	return nil
}

func (t *turn) follow(d *destination, s *session) {
	for i := range t.followed {
		if t.followed[i].destination == d {
			t.followed[i].session = s
			return
		}
	}
	if len(t.followed) < maxFollowed {
		t.followed = append(t.followed, followed{d, s})
	}
}

// draw is the next of the turn's random numbers: splitmix64.
func (t *turn) draw() uint64 {
	t.lot += 0x9E3779B97F4A7C15
	return mix(t.lot)
}
