package sip

import (
	"time"

	"maskline/sip/message"
)

// announcing is what the caller hears in place of a called side, and the answer
// that follows it.
type announcing struct {
	what    Announcement
	final   refusal
	codec   message.G711
	answer  *message.SDP // ours
	playing bool
	until   time.Time
	outcome announceOutcome
}

// announceOutcome is how an announcement ended, as metrics name it.
type announceOutcome uint8

const (
	announceCut    announceOutcome = iota // the caller left, or the call ended otherwise
	announcePlayed                        // to its end, or its limit
	announceFailed                        // not at all: no ports, too many, no such prompt
	announceOutcomes
)

var announceNames = [announceOutcomes]string{"cut", "played", "failed"}

func (o announceOutcome) String() string { return announceNames[o] }

// heard is the prompt that the caller heard something of.
func (s *summary) heard() string {
	if s.announcement == announceFailed {
		return ""
	}
	return s.announced
}

// dismiss refuses the call, after an announcement if there is one that the caller
// can hear. It is refused just so where there are no ports, where too much is played
// already, or where the caller has early media of a called side.
func (c *call) dismiss(what Announcement, final refusal) {
	if c.order != nil {
		c.dismissOrder(what, final)
		return
	}
	if what.Prompt == "" || c.offer == nil || c.early || c.a.invite.state != txProceeding {
		c.refuse(final)
		return
	}
	answer := c.offer.Spoken()
	if answer == nil {
		c.refuse(final)
		return
	}
	codec, _ := answer.G711()
	c.announcing = &announcing{what: what, final: final, codec: codec, answer: answer, outcome: announceFailed}
	c.phase = phaseCalling
	if !c.a.local.IsValid() {
		c.allocate()
		return
	}
	c.play()
}

// announceAt takes the ports that dismiss asked for.
func (c *call) announceAt(ev evAllocated) {
	if !ev.localA.IsValid() {
		c.refuse(c.announcing.final)
		return
	}
	c.a.local, c.localB = ev.localA, ev.localB
	c.do(actRemote{SideA, c.remote(&c.a.leg, c.offer)})
	c.play()
}

func (c *call) play() {
	times := announceTimes
	if c.announcing.what.Once {
		times = 1
	}
	c.do(actPlay{SideA, Prompt{c.announcing.what.Prompt, c.announcing.codec, times, pauseBetween}})
}

// onPlaying tells the caller to listen, once there is something to hear.
func (c *call) onPlaying(ev evPlaying) {
	if c.phase == phaseOver {
		return
	}
	if g := c.accepting; g != nil && ev.side == g.attempt.side() && !ev.ok {
		c.unaccepted()
		return
	}
	n := c.announcing
	if n == nil || n.playing || ev.side != SideA {
		return
	}
	if !ev.ok {
		c.refuse(n.final)
		return
	}
	n.playing, n.outcome, n.until = true, announceCut, c.now.Add(announceLimit)
	if c.order != nil {
		return // the first side has answered
	}
	c.rang = true // the time to ringing is that of called sides
	data := c.describeCalled(n.answer)
	if !n.what.Answer {
		c.onRing(183, message.EarlySendOnly, data)
		return
	}
	c.answered, c.phase, c.codec = c.now, phaseAnswered, n.answer.Codec()
	c.tell(message.Reply{Code: 200, Extensions: c.agree(&c.a.leg, &c.a.wants), SDP: data})
}

func (c *call) onPlayed(ev evPlayed) {
	if n := c.announcing; n != nil && n.playing && ev.side == SideA {
		c.announced()
	}
}

// announced ends an announcement that was heard to its end.
func (c *call) announced() {
	c.announcing.outcome = announcePlayed
	c.endAnnouncement()
}

// endAnnouncement gives the answer that was due without it. One that was played
// after a 200 ends with BYE; the reason stays that of the refusal.
func (c *call) endAnnouncement() {
	n := c.announcing
	switch c.phase {
	case phaseCalling:
		c.refuse(n.final)
	case phaseAnswered, phaseUp:
		c.hang(&c.a.leg)
		c.over(n.final.why, 200, n.final.cause)
	case phaseNew, phaseOver:
	}
}

// alone reports whether the caller talks to nobody but us.
func (c *call) alone() bool {
	return c.announcing != nil && (c.phase == phaseAnswered || c.phase == phaseUp)
}

// onVoiceRequest takes the key presses in a dialog in which we are the other side
// ourselves. It reports whether this was one.
func (c *call) onVoiceRequest(l *leg, req *message.Request) bool {
	switch {
	case req.Method != message.Info:
		return false
	case c.accepting != nil && l == &c.accepting.attempt.leg && !l.ended:
		c.onKeyInfo(l, req)
		return true
	case c.alone() && !l.ended:
		if !c.answersAgain(l, req) {
			c.conclude(l, req, noInfo())
		}
		return true
	default:
		return false
	}
}

// voiceNext is when an announcement or the wait for a key ends.
func (c *call) voiceNext() time.Time {
	switch {
	case c.phase == phaseOver:
		return time.Time{}
	case c.accepting != nil:
		return c.accepting.until
	case c.announcing != nil:
		return c.announcing.until
	default:
		return time.Time{}
	}
}

func (c *call) tickVoice() {
	switch {
	case !reached(c.voiceNext(), c.now):
	case c.accepting != nil:
		c.unaccepted()
	default:
		c.announced()
	}
}
