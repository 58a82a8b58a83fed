package sip

import (
	"time"

	"maskline/routing"
	"maskline/sip/message"
)

// VoiceConfig is what people hear of the edge itself.
type VoiceConfig struct {
	// Refused is what a caller hears before the refusal, by verdict. None: nothing.
	Refused map[routing.Verdict]Announcement
	// Unreachable is what a caller hears when no candidate could be reached. Zero:
	// nothing.
	Unreachable Announcement
	// Ring bounds ringing, beside the trunk's own time: shorter than the called
	// person's voicemail waits. Zero: the trunk's alone. It does not hold for
	// emergency calls.
	Ring time.Duration
	// Accept wants the called person to press 1 before the caller is connected, on
	// carriers' trunks, emergency calls excepted.
	Accept bool
	// AcceptWithin is how long that may take. Zero: 20s.
	AcceptWithin time.Duration
}

// Announcement is a prompt that a caller hears in place of the called side.
type Announcement struct {
	// Prompt is its name, without ".wav". Empty: no announcement.
	Prompt string
	// Answer plays it after a 200, in a call that the caller pays for. Otherwise it
	// is early media: the call is not answered.
	Answer bool
	// Once plays it one time; otherwise two times as far as announceLimit lets it.
	Once bool
}

// Prompts that calls ask for by themselves.
const (
	promptAccept   = "accept"
	promptRingback = "ringback"
)

const (
	defaultAcceptWithin = 20 * time.Second
	announceLimit       = 15 * time.Second // of one announcement, all its times together
	announceTimes       = 2
	pauseBetween        = time.Second
)

// Speaker is a [MediaSession] that can also speak, and hear keys. Where a session
// is none, nothing is announced. Its methods don't block.
type Speaker interface {
	// Play lets a side hear a prompt instead of the other side, from now on.
	// MediaOptions.OnPlayed tells of its end. An error means that it cannot.
	Play(side Side, p Prompt) error
	// Hush ends what a side is played.
	Hush(side Side)
	// Separate keeps the sides from hearing each other, or lets them again.
	Separate(apart bool)
	// Listen asks for the keys of a side, as telephone events of a payload type
	// (MediaOptions.OnDigit); above 127 for no more.
	Listen(side Side, payloadType uint8)
}

// Prompt is what a side is to hear.
type Prompt struct {
	Name  string
	Codec message.G711
	Times int           // 0: until Hush
	Pause time.Duration // between two times
}

const listenNoMore = 255

// SetVoice replaces what people hear from the next call on.
func (e *Edge) SetVoice(v VoiceConfig) {
	setDefault(&v.AcceptWithin, defaultAcceptWithin)
	e.voice.Store(&v)
}

// hear adds to a plan what its call's people hear.
func (e *Edge) hear(ev *evRouted, verdict routing.Verdict) {
	v := e.voice.Load()
	switch {
	case v == nil || ev.emergency:
	case verdict == routing.NoCarrier:
		ev.announce = v.Unreachable
	case verdict != routing.Forward:
		ev.announce = v.Refused[verdict]
	default:
		ev.announce, ev.ring = v.Unreachable, v.Ring
		if v.Accept {
			ev.accept = v.AcceptWithin
		}
	}
}

// doVoice carries out what a call wants said or heard.
func (a *actor) doVoice(act action) event {
	s, ok := a.media.(Speaker)
	switch act := act.(type) {
	case actPlay:
		return evPlaying{act.side, ok && s.Play(act.side, act.prompt) == nil}
	case actHush:
		if ok {
			s.Hush(act.side)
		}
	case actSeparate:
		if ok {
			s.Separate(act.apart)
		}
	case actListen:
		if ok {
			s.Listen(act.side, act.payloadType)
		}
	}
	return nil
}

type (
	// evPlaying answers actPlay: whether it is played.
	evPlaying struct {
		side Side
		ok   bool
	}
	// evPlayed tells that a side has heard its prompt as often as asked.
	evPlayed struct{ side Side }
	// evDigit tells of a key that a side pressed.
	evDigit struct {
		side Side
		key  byte
	}
)

func (evPlaying) isEvent() {}
func (evPlayed) isEvent()  {}
func (evDigit) isEvent()   {}

type (
	// actPlay lets a side hear a prompt; evPlaying answers.
	actPlay struct {
		side   Side
		prompt Prompt
	}
	// actHush ends it.
	actHush struct{ side Side }
	// actSeparate keeps the sides from hearing each other.
	actSeparate struct{ apart bool }
	// actListen asks for a side's keys.
	actListen struct {
		side        Side
		payloadType uint8
	}
)

func (actPlay) isAction()     {}
func (actHush) isAction()     {}
func (actSeparate) isAction() {}
func (actListen) isAction()   {}
