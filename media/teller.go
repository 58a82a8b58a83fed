package media

import "sync"

// notice is something that a session's owner is told.
type notice struct {
	session *Session
	kind    noticeKind
	side    Side
	digit   byte
}

type noticeKind uint8

const (
	noticeDigit noticeKind = iota
	noticePlayed
	noticeOneWay
)

// mostNotices bounds what one session may have waiting. What is not a key is told
// once or seldom, and has room beyond it.
const mostNotices = 16

// teller calls the owners back from a goroutine of its own, so that what they do
// holds up neither packets nor prompts.
type teller struct {
	mu      sync.Mutex
	notices []notice
	wake    chan struct{}
}

func newTeller() *teller { return &teller{wake: make(chan struct{}, 1)} }

// note keeps a notice for the session's owner. It is called with the session's
// lock held.
func (s *Session) note(n notice) {
	n.session = s
	s.waiting++
	t := s.relay.teller
	t.mu.Lock()
	t.notices = append(t.notices, n)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *teller) take() []notice {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.notices
	t.notices = nil
	return list
}

// tell calls back all that wait. A released session is told nothing.
func (r *Relay) tell() {
	for _, n := range r.teller.take() {
		s := n.session
		s.mu.Lock()
		s.waiting--
		released := s.released
		s.mu.Unlock()
		switch {
		case released:
		case n.kind == noticePlayed && s.events.OnPlayed != nil:
			s.events.OnPlayed(n.side)
		case n.kind == noticeDigit && s.events.OnDigit != nil:
			s.events.OnDigit(n.side, n.digit)
		case n.kind == noticeOneWay && s.events.OnOneWay != nil:
			s.events.OnOneWay(n.side)
		}
	}
}

func (r *Relay) keepTelling() {
	for {
		select {
		case <-r.quit:
			return
		case <-r.teller.wake:
			r.tell()
		}
	}
}
