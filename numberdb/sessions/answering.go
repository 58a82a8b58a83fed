package sessions

import (
	"maskline/e164"
	"maskline/numberdb"
)

// ownerOf is the number that the owner of a public mask answers from: that where it is
// reached, of an account or a peer its own. None: it cannot answer, or nobody can.
func ownerOf(s *numberdb.Session) e164.Number {
	if s.Shape != numberdb.Open && s.Shape != numberdb.Lease || len(s.Participants) == 0 {
		return 0
	}
	if p := &s.Participants[0]; p.To.Kind != numberdb.Tel {
		return p.Number
	}
	return s.Participants[0].To.Number
}

// Answers reports whether the owner of a public mask has a number to answer from. One
// that this edge has not looked at counts as having one, until Open looks.
func (o *Owner) Answers(session numberdb.ID) bool {
	_, mute := o.mute.Load(session)
	return !mute
}

// noteOwner remembers an owner that cannot answer.
func (o *Owner) noteOwner(s *numberdb.Session) {
	if (s.Shape == numberdb.Open || s.Shape == numberdb.Lease) && ownerOf(s) == 0 {
		o.mute.Store(s.ID, struct{}{})
	}
}

// forget lets go of what is kept of a session that has ended.
func (o *Owner) forget(id numberdb.ID) {
	o.uses.remove(id)
	o.mute.Delete(id)
	o.passing.Delete(id)
}
