package media

// seldom is what few sides have, so that the others take no room for it. It is under
// the session's lock.
type seldom struct {
	learner   *learner // nat mode only
	voice     *voice   // what the side hears of us; nil: nothing was ever played
	keypad    *keypad  // nil: nobody wants its keys
	srtp      *secured // nil: plain RTP
	refused   *refused // nil: nothing was
	datagrams uint32   // of the packets of its stream, what was no RTP
}

// rarely is seldom, to be written.
func (d *side) rarely() *seldom {
	if d.seldom == nil {
		d.seldom = &seldom{}
	}
	return d.seldom
}

func (d *side) voice() *voice {
	if d.seldom == nil {
		return nil
	}
	return d.seldom.voice
}

func (d *side) keypad() *keypad {
	if d.seldom == nil {
		return nil
	}
	return d.seldom.keypad
}

func (d *side) srtp() *secured {
	if d.seldom == nil {
		return nil
	}
	return d.seldom.srtp
}

// protect sets what protects the side's packets; nil: nothing.
func (d *side) protect(s *secured) {
	if d.srtp() != s {
		d.rarely().srtp = s
	}
}

// learn begins nat mode anew, or ends it.
func (d *side) learn(nat bool) {
	switch {
	case nat:
		d.rarely().learner = &learner{}
	case d.seldom != nil:
		d.seldom.learner = nil
	}
}

// noRTP counts the packets of the side that were no RTP.
func (d *side) noRTP() uint64 {
	if d.seldom == nil {
		return 0
	}
	return uint64(d.seldom.datagrams)
}
