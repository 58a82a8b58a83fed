package configs

import "time"

// Voice is what people hear of the edge itself, and how called people are asked.
type Voice struct {
	// Announcement, played once as early media, before an emergency call is refused that no trunk may take; empty: none. Default emergency.
	Emergency Name `key:"emergency" default:"emergency"`
	// Before a call is refused that the operator has blocked.
	Blocked Announcement `key:"blocked"`
	// When no carrier could be reached; a busy or silent called person is none of it.
	Unreachable Announcement `key:"unreachable"`
	// Time that a called person's phone may ring, so that their own voicemail does not answer; 0: the trunk's ring. Default 0.
	Ring time.Duration `key:"ring" default:"0" max:"10m"`
	// What a called person has to do before the caller is connected, on carriers' trunks. Default off: nothing.
	Accept Accept `key:"accept"`
	// Time for it, else the call is not answered; not 0. Default 20s.
	AcceptWithin time.Duration `key:"accept_within" default:"20s" min:"1s" max:"2m"`
}

// Announcement is what a caller hears in place of the called side.
type Announcement struct {
	// A shipped one or the name of a file in media.prompts. Default empty: none.
	Announce Name `key:"announce"`
	// Before the answer as early media, or after a 200 that the caller pays for. Default early.
	Mode AnnounceMode `key:"mode"`
}

// AnnounceMode is when an announcement is played.
type AnnounceMode string

// The values of AnnounceMode.
const (
	AnnounceEarly  AnnounceMode = "early"
	AnnounceAnswer AnnounceMode = "answer"
)

func (AnnounceMode) choices() []string { return []string{"early", "answer"} }

// Accept is what a called person has to do before a call is connected.
type Accept string

// The values of Accept.
const (
	AcceptOff   Accept = "off"
	AcceptPress Accept = "press_1"
)

func (Accept) choices() []string { return []string{"off", "press_1"} }

// voice checks that what has a mode has something to play.
func (c *checker) voice() {
	v := &c.Routing.Voice
	c.announcement(v.Blocked, "routing.voice.blocked")
	c.announcement(v.Unreachable, "routing.voice.unreachable")
}

func (c *checker) announcement(a Announcement, path string) {
	if a.Announce == "" && a.Mode == AnnounceAnswer {
		c.fault(under(path, "mode"), "plays nothing; expected announce beside it", under(path, "announce"))
	}
}
