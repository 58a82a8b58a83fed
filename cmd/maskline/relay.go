package main

import (
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"maskline/media"
	"maskline/sip"
	"maskline/sip/message"
)

// relay is the media relay in the words of sip, which declares what it uses.
type relay struct {
	media   *media.Relay
	prompts *atomic.Pointer[media.Prompts]
}

// Allocate makes a session with ports for both sides.
func (r relay) Allocate(opts sip.MediaOptions) (sip.MediaSession, error) {
	s, err := r.media.Allocate(media.Options{
		ID: opts.ID, At: opts.At, OnTimeout: func(t media.Timeout) { opts.OnTimeout(t.String()) },
		Events: media.Events{
			OnPlayed: func(side media.Side) { opts.OnPlayed(sip.Side(side)) },
			OnDigit:  func(side media.Side, key byte) { opts.OnDigit(sip.Side(side), key) },
			OnOneWay: func(side media.Side) { opts.OnOneWay(sip.Side(side)) },
		},
	})
	if err != nil {
		return nil, err
	}
	return relaySession{s, r.prompts}, nil
}

// relaySession translates the names of sides; all else means the same on both
// sides of this file.
type relaySession struct {
	session *media.Session
	prompts *atomic.Pointer[media.Prompts]
}

func (s relaySession) Local(side sip.Side) netip.AddrPort { return s.session.Local(media.Side(side)) }

func (s relaySession) Move(side sip.Side, to netip.Addr) error {
	return s.session.Move(media.Side(side), to)
}

func (s relaySession) SetRemote(side sip.Side, r sip.Remote) error {
	return s.session.SetRemote(media.Side(side), media.Remote{
		RTP: r.RTP, RTCP: r.RTCP, From: r.From,
		PayloadTypes: media.PayloadTypes(r.PayloadTypes), Direction: media.Direction(r.Direction),
		NAT: r.NAT, Strict: r.Strict, DSCP: r.DSCP, Datagrams: r.Fax, Mux: r.Mux,
		SRTP: mediaKeys(&r.Keys),
	})
}

// mediaKeys names the same suites.
func mediaKeys(k *sip.Keys) media.SRTP {
	if k.Suite == message.NoSuite {
		return media.SRTP{}
	}
	return media.SRTP{
		Suite: media.Suite(k.Suite), Ours: media.NewMasterKey(k.Ours.Reveal()), Theirs: media.NewMasterKey(k.Theirs.Reveal()),
	}
}

func (s relaySession) Answered(codec string) {
	name, clock, _ := strings.Cut(codec, "/")
	rate, _ := strconv.ParseUint(clock, 10, 32) // of an unknown codec it is unknown
	s.session.SetCodec(name, uint32(rate))
	s.session.Answered()
}

func (s relaySession) Release() sip.MediaStats {
	stats := s.session.Release()
	return sip.MediaStats{A: mediaSide(&stats.A), B: mediaSide(&stats.B), Dropped: stats.A.Dropped.Total() + stats.B.Dropped.Total()}
}

func mediaSide(s *media.SideStats) sip.MediaSide {
	return sip.MediaSide{
		Packets: s.Received.Packets, Octets: s.Received.Octets, Fax: s.Datagrams,
		Lost: s.Lost, Reordered: s.Late, Duplicates: s.Duplicates, Gaps: s.Bursts, Loss: s.Loss,
		Jitter: s.Jitter, RoundTrip: s.RoundTrip, R: s.R, MOS: s.MOS, OneWay: s.OneWay,
	}
}
