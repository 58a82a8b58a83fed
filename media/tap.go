package media

import (
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Tap hears what the sides of a session send. Its methods are called one at a time,
// in the order in which packets came, from a goroutine of the recording's own: it may
// be slow, at the price of what its queue does not hold.
type Tap interface {
	// Hear takes one RTP packet that passed the checks, whether it was relayed or not.
	// The payload is valid until Hear returns.
	Hear(p Heard)
	// End tells that nothing more comes, and how many packets were left out since the
	// queue was full. The ports of the session may rest already.
	End(lost uint64)
}

// Heard is one packet of RTP from a side.
type Heard struct {
	Side        Side
	PayloadType uint8
	Sequence    uint16
	Timestamp   uint32 // of the sender's clock
	SSRC        uint32
	At          time.Duration // when it came, from the beginning of the recording
	Payload     []byte
}

// ErrRecording says that too many sessions are recorded, or this one is already.
var ErrRecording = errors.New("no further recording")

// tapQueue is how many packets wait for a tap: 1.3 s of both sides' at 20 ms.
const tapQueue = 128

// recording brings packets from the threads of the relay to a tap. A thread waits
// for nothing but the copying of another packet.
type recording struct {
	tap   Tap
	relay *Relay
	since time.Duration
	wake  chan struct{} // of one: there is something to do

	mu      sync.Mutex
	waiting [tapQueue]taken
	first   int // of those waiting
	n       int
	lost    uint64
	ended   bool
}

// taken is a packet that waits. It has room for any.
type taken struct {
	heard  Heard
	octets int
	buffer [maxPacket]byte
}

// Record lets a tap hear what both sides send, until Release or StopRecording. The
// session's packets come to user space meanwhile, whatever the backend. It returns
// ErrRecording where Config.MaxRecordings are made already or this session is
// recorded, and ErrClosed after the session's end.
func (s *Session) Record(tap Tap) error {
	r := s.relay
	r.gate.RLock() // so that Close waits for it
	defer r.gate.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.released || r.closed:
		return ErrClosed
	case s.recording != nil:
		return ErrRecording
	}
	if r.recordings.Add(1) > int64(r.cfg.MaxRecordings) {
		r.recordings.Add(-1)
		return ErrRecording
	}
	s.reclaim()
	one := &recording{tap: tap, relay: r, since: r.now(), wake: make(chan struct{}, 1)}
	s.recording = one
	r.recorders.Go(one.run)
	return nil
}

// StopRecording ends the recording, if there is one. Tap.End is called soon after.
func (s *Session) StopRecording() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopRecording()
}

func (s *Session) stopRecording() {
	if s.recording != nil {
		s.recording.end()
		s.recording = nil
	}
}

// take copies a packet that passed parseRTP into w, and waits for nobody to hear it.
func (c *recording) take(side Side, b []byte, w *work) {
	payload := payloadOf(b, w.header.Padding)
	c.mu.Lock()
	if c.n == tapQueue {
		c.lost++
		c.mu.Unlock()
		w.total.recordingLost.Add(1)
		return
	}
	t := &c.waiting[(c.first+c.n)%tapQueue]
	t.heard = Heard{
		Side: side, PayloadType: w.header.PayloadType, Sequence: w.header.SequenceNumber,
		Timestamp: w.header.Timestamp, SSRC: w.header.SSRC, At: w.now - c.since,
	}
	t.octets = copy(t.buffer[:], payload)
	c.n++
	c.mu.Unlock()
	c.rouse()
}

func (c *recording) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.rouse()
}

func (c *recording) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run tells the tap until the end. A tap that panics hears no more.
func (c *recording) run() {
	defer c.relay.recordings.Add(-1)
	defer func() {
		if p := recover(); p != nil {
			c.relay.log.Error("a recording met a bug", zap.Any("panic", p), zap.Stack("stack"))
		}
	}()
	for range c.wake {
		for t := c.next(); t != nil; t = c.next() {
			t.heard.Payload = t.buffer[:t.octets]
			c.tap.Hear(t.heard)
			c.done()
		}
		if lost, ended := c.over(); ended {
			c.tap.End(lost)
			return
		}
	}
}

// next is the packet that came first, in its place until done.
func (c *recording) next() *taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 {
		return nil
	}
	return &c.waiting[c.first]
}

func (c *recording) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first = (c.first + 1) % tapQueue
	c.n--
}

// over reports whether nothing can come any more.
func (c *recording) over() (lost uint64, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost, c.ended && c.n == 0
}
