package main

import (
	"maskline/media"
	"maskline/sip"
)

// Play finds the prompt by its name.
func (s relaySession) Play(side sip.Side, p sip.Prompt) error {
	return s.session.Play(media.Side(side), media.Prompt{
		Sound: s.prompts.Load().Sound(p.Name), PayloadType: p.Codec.PayloadType, ALaw: p.Codec.ALaw,
		Times: p.Times, Pause: p.Pause,
	})
}

func (s relaySession) Hush(side sip.Side) { s.session.Hush(media.Side(side)) }

func (s relaySession) Separate(apart bool) { s.session.Separate(apart) }

func (s relaySession) Listen(side sip.Side, payloadType uint8) {
	s.session.Listen(media.Side(side), payloadType)
}

var _ sip.Speaker = relaySession{}
