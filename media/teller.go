package media

import "sync"

// notice is something that a session's owner is told.
type notice struct {
	kind  noticeKind
	side  Side
	digit byte
}

type noticeKind uint8

const (
	noticeDigit noticeKind = iota
	noticePlayed
	noticeOneWay
)

// mostNotices bounds what one session may have waiting when a key is pressed.
const mostNotices = 16

// teller calls the owners back from a goroutine of its own, so that what they do
// holds up neither packets nor prompts.
type teller struct {
	mu       sync.Mutex
	sessions []*Session // with notices, each once
	wake     chan struct{}
}

func newTeller() *teller { return &teller{wake: make(chan struct{}, 1)} }

// note keeps a notice for the session's owner. It is called with the session's
// lock held.
func (s *Session) note(n notice) {
	s.notices = append(s.notices, n)
	if len(s.notices) > 1 {
		return
	}
	t := s.relay.teller
	t.mu.Lock()
	t.sessions = append(t.sessions, s)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *teller) take() []*Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.sessions
	t.sessions = nil
	return list
}

// tell calls back all that wait. A released session is told nothing.
func (r *Relay) tell() {
	for _, s := range r.teller.take() {
		s.mu.Lock()
		notices, released := s.notices, s.released
		s.notices = nil
		s.mu.Unlock()
		if released {
			continue
		}
		for _, n := range notices {
			switch {
			case n.kind == noticePlayed && s.events.OnPlayed != nil:
				s.events.OnPlayed(n.side)
			case n.kind == noticeDigit && s.events.OnDigit != nil:
				s.events.OnDigit(n.side, n.digit)
			case n.kind == noticeOneWay && s.events.OnOneWay != nil:
				s.events.OnOneWay(n.side)
			}
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
