package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Errors of Play.
var (
	// ErrPlaying says that as much is played as Config.MaxPlaying allows.
	ErrPlaying = errors.New("too many announcements")
	// ErrPrompt says that there is no sound, or that it cannot be told as asked.
	ErrPrompt = errors.New("unusable prompt")
)

// Prompt is what one side is to hear.
type Prompt struct {
	Sound *Sound
	// PayloadType is PCMU's or PCMA's as negotiated with the side; ALaw tells
	// which of both it is.
	PayloadType uint8
	ALaw        bool
	// Times is how often it is played. Zero: until Hush.
	Times int
	// Pause is the silence between two times; it is sent.
	Pause time.Duration
}

// voice is what a side hears of us: one RTP stream of our own, whatever is
// played in it. It is under the session's lock.
type voice struct {
	ssrc      uint32
	timestamp uint32 // of the next packet
	seq       uint16
	listed    bool          // the pacer knows the side
	begun     bool          // a packet was sent
	due       time.Duration // when the next packet is
	now       *playing      // nil: nothing is played
}

// playing is one prompt under way.
type playing struct {
	sound   []byte
	at      int // octets of the sound that were sent
	left    int // times after this one; negative: for ever
	pause   int // packets of silence between two times
	silent  int // packets of silence still to be sent
	payload uint8
	law     law
	mark    bool // the next packet begins a talkspurt
	over    bool // all was sent; the last packet is still sounding
}

// Play lets a side hear a prompt in place of the other side, from the next
// 20 ms on; what it heard before ends without word. Options.OnPlayed is called
// when it has been played as often as asked. It returns ErrPlaying where too
// much is played already, ErrPrompt, or ErrClosed.
func (s *Session) Play(which Side, p Prompt) error {
	switch {
	case p.Sound == nil:
		return fmt.Errorf("%w: no sound", ErrPrompt)
	case p.PayloadType > 127 || p.Times < 0 || p.Pause < 0 || p.Pause > maxSound:
		return fmt.Errorf("%w: payload type, times or pause", ErrPrompt)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return ErrClosed
	}
	s.reclaim()
	d := &s.sides[which]
	if !d.hearsUs() {
		if !s.relay.pacer.admit() {
			return ErrPlaying
		}
	}
	v := d.voice()
	if v == nil {
		v = &voice{}
		v.ssrc, v.seq, v.timestamp = d.network.ports.stream()
		d.rarely().voice = v
	}
	v.start(p)
	if !v.listed {
		v.listed = true
		s.relay.pacer.add(d, s)
	}
	return nil
}

// Hush ends what a side is played. OnPlayed is not called for it.
func (s *Session) Hush(which Side) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sides[which].hush(s.relay)
}

func (d *side) hush(r *Relay) {
	if d.hearsUs() {
		d.seldom.voice.now = nil
		r.pacer.leave()
	}
}

// Separate keeps the sides apart, or lets them hear each other again: while it
// is on nothing is relayed between them.
func (s *Session) Separate(apart bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reclaim()
	s.apart = apart
}

// hears reports whether the side gets what the other one sends.
func (d *side) hears(s *Session) bool { return !s.apart && !d.hearsUs() }

// hearsUs reports whether the side is played something.
func (d *side) hearsUs() bool {
	v := d.voice()
	return v != nil && v.now != nil
}

func (v *voice) start(p Prompt) {
	l := muLaw
	if p.ALaw {
		l = aLaw
	}
	v.now = &playing{
		sound: p.Sound.laws[l], left: p.Times - 1, pause: int((p.Pause + frameTime - 1) / frameTime),
		payload: p.PayloadType, law: l, mark: true,
	}
}

// begin puts a talkspurt's first packet into the middle between two turns of the
// pacer, so that a turn that is early or late by half a packet changes nothing.
// The stream's time went on while nothing was sent. RFC 3550 §5.1.
func (v *voice) begin(now time.Duration) {
	due := now - frameTime/2
	switch {
	case !v.begun:
		v.due = due
	case due > v.due:
		v.skip(due - v.due)
	}
}

// skip lets time pass without packets.
func (v *voice) skip(d time.Duration) {
	v.timestamp += uint32(d * sampleRate / time.Second)
	v.due += d
}

// mostLate bounds the packets that are sent at once after a delay of ours;
// what is later than these is left out of the stream's time.
const mostLate = 3

// frames is how many packets are due.
func (v *voice) frames(now time.Duration) int {
	if v.now.mark {
		v.begin(now)
	}
	if now < v.due {
		return 0
	}
	n := int((now-v.due)/frameTime) + 1
	if n > mostLate {
		v.skip(time.Duration(n-mostLate) * frameTime)
		n = mostLate
	}
	return n
}

// spoken holds a packet of ours and what its protection adds.
const (
	spokenPacket = rtpHeader + frameSamples
	spoken       = spokenPacket + tagRoom
)

// packet writes the next packet. It is empty once all was played.
func (v *voice) packet(b *[spoken]byte) []byte {
	p := v.now
	if p.over {
		return nil
	}
	v.due += frameTime
	b[0], b[1] = rtpVersion<<6, p.payload
	if p.mark {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], v.seq)
	binary.BigEndian.PutUint32(b[4:], v.timestamp)
	binary.BigEndian.PutUint32(b[8:], v.ssrc)
	p.fill(b[rtpHeader:spokenPacket])
	p.mark, v.begun = false, true
	v.seq++
	v.timestamp += uint32(frameSamples)
	return b[:spokenPacket]
}

// fill writes one packet's sound; what is missing at the end is silence.
func (p *playing) fill(b []byte) {
	n := 0
	if p.silent > 0 {
		p.silent--
	} else {
		n = copy(b, p.sound[p.at:])
		p.at += n
	}
	for i := n; i < len(b); i++ {
		b[i] = p.law.silence()
	}
	if p.at < len(p.sound) {
		return
	}
	switch {
	case p.left == 0:
		p.over = true
	case p.left > 0:
		p.left--
	}
	p.at, p.silent = 0, p.pause
}

// speak sends what is due to the side and reports whether the prompt has ended.
func (d *side) speak(now time.Duration, b *[spoken]byte, total *counters) (ended bool) {
	v, protection := d.voice(), d.srtp()
	for range v.frames(now) {
		packet := v.packet(b)
		if packet == nil {
			return true
		}
		if !d.direction.receives() || !d.rtp.latch.target().IsValid() {
			continue
		}
		drop := Relayed
		if protection != nil {
			packet, drop = protection.seal(packet, packet)
		}
		if drop == Relayed {
			drop = d.rtp.send(packet, nil)
		}
		if drop != Relayed {
			total.drops[drop].Add(1)
			continue
		}
		d.sent.Packets++
		d.sent.Octets += uint64(len(packet))
		total.out.add(len(packet))
	}
	return false
}
