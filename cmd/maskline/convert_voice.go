package main

import (
	"cmp"
	"errors"
	"fmt"

	"maskline/configs"
	"maskline/media"
	"maskline/routing"
	"maskline/sip"
)

func voiceConfig(cfg *configs.Config) sip.VoiceConfig {
	r, v := &cfg.Routing, &cfg.Routing.Voice
	return sip.VoiceConfig{
		Refused: map[routing.Verdict]sip.Announcement{
			routing.UnknownMask:      announcement(r.UnknownMask.Voice.Announce, r.UnknownMask.Voice.Mode),
			routing.OutOfSession:     announcement(r.OutOfSession.Voice.Announce, r.OutOfSession.Voice.Mode),
			routing.Ended:            announcement(r.EndedSession.Voice.Announce, r.EndedSession.Voice.Mode),
			routing.Blocked:          announcement(v.Blocked.Announce, v.Blocked.Mode),
			routing.EmergencyRefused: {Prompt: string(v.Emergency), Once: true}, // never answered, never for long
		},
		Unreachable:  announcement(v.Unreachable.Announce, v.Unreachable.Mode),
		Ring:         v.Ring,
		Accept:       v.Accept == configs.AcceptPress,
		AcceptWithin: v.AcceptWithin,
	}
}

func announcement(prompt configs.Name, mode configs.AnnounceMode) sip.Announcement {
	return sip.Announcement{Prompt: string(prompt), Answer: mode == configs.AnnounceAnswer}
}

// loadPrompts reads the prompts and wants each one that the configuration names.
func loadPrompts(cfg *configs.Config) (*media.Prompts, error) {
	prompts, err := media.LoadPrompts(string(cfg.Media.Prompts))
	if err != nil {
		return nil, fmt.Errorf("media.prompts: %w", err)
	}
	r := &cfg.Routing
	var missing []error
	for _, use := range []struct {
		key  string
		name configs.Name
	}{
		{"unknown_mask.voice", r.UnknownMask.Voice.Announce},
		{"out_of_session.voice", r.OutOfSession.Voice.Announce},
		{"ended_session.voice", r.EndedSession.Voice.Announce},
		{"voice.emergency", r.Voice.Emergency},
		{"voice.blocked", r.Voice.Blocked.Announce},
		{"voice.unreachable", r.Voice.Unreachable.Announce},
	} {
		if name := cmp.Or(string(use.name), media.Ringback); prompts.Sound(name) == nil {
			missing = append(missing, fmt.Errorf("routing.%s: there is no announcement %q; there are %q", use.key, name, prompts.Names()))
		}
	}
	return prompts, errors.Join(missing...)
}
