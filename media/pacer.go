package media

import (
	"sync"
	"sync/atomic"
	"time"
)

// pacer is the one goroutine that sends all prompts, every 20 ms.
type pacer struct {
	most    int64
	playing atomic.Int64
	refused atomic.Uint64

	mu    sync.Mutex
	sides []speaker
	wake  chan struct{} // there is something to play

	// Only the goroutine that paces touches these.
	turn   []speaker
	buffer [spoken]byte
}

// speaker is a side that is played something.
type speaker struct {
	side    *side
	session *Session
}

func newPacer(most int) *pacer {
	return &pacer{most: int64(most), wake: make(chan struct{}, 1)}
}

// admit counts one more prompt, unless there are too many.
func (p *pacer) admit() bool {
	if p.playing.Add(1) > p.most {
		p.playing.Add(-1)
		p.refused.Add(1)
		return false
	}
	return true
}

func (p *pacer) leave() { p.playing.Add(-1) }

func (p *pacer) add(d *side, s *Session) {
	p.mu.Lock()
	p.sides = append(p.sides, speaker{d, s})
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take lists the sides and forgets them; those that go on are put back.
func (p *pacer) take() []speaker {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn, p.sides = p.sides, p.turn[:0]
	return p.turn
}

func (p *pacer) keep(s speaker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sides = append(p.sides, s)
}

func (p *pacer) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sides) == 0
}

// pace sends what is due now.
func (r *Relay) pace() {
	now := r.now()
	list := r.pacer.take()
	for _, s := range list {
		if r.paceOne(s, now) {
			r.pacer.keep(s)
		}
	}
	clear(list)
}

// paceOne reports whether the side has more to be played.
func (r *Relay) paceOne(s speaker, now time.Duration) bool {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	d := s.side
	switch {
	case s.session.released || !d.hearsUs():
		d.hush(r)
	case d.speak(now, &r.pacer.buffer, r.total):
		d.hush(r)
		s.session.note(notice{kind: noticePlayed, side: d.rtp.side})
	default:
		return true
	}
	d.voice().listed = false
	return false
}

// keepPacing sleeps while nothing is played. The beat is kept by the clock: a
// turn that comes late does not delay the next one.
func (r *Relay) keepPacing() {
	beat := time.NewTimer(0)
	defer beat.Stop()
	next := time.Now()
	for {
		if r.pacer.idle() {
			select {
			case <-r.quit:
				return
			case <-r.pacer.wake:
			}
			next = time.Now()
		}
		r.pace()
		next = next.Add(frameTime)
		if late := time.Since(next); late > 0 {
			next = next.Add(late.Truncate(frameTime))
		}
		beat.Reset(time.Until(next))
		select {
		case <-r.quit:
			return
		case <-beat.C:
		}
	}
}
