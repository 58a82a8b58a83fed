package main

import (
	"net/netip"
	"sync/atomic"

	"maskline/media"
	"maskline/sip"
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
		NAT: r.NAT, DSCP: r.DSCP, Datagrams: r.Fax,
	})
}

func (s relaySession) Answered() { s.session.Answered() }

func (s relaySession) Release() sip.MediaStats {
	stats := s.session.Release()
	return sip.MediaStats{
		PacketsA: stats.A.Received.Packets, PacketsB: stats.B.Received.Packets,
		OctetsA: stats.A.Received.Octets, OctetsB: stats.B.Received.Octets,
		LostA: stats.A.Lost, LostB: stats.B.Lost,
		Dropped: stats.A.Dropped.Total() + stats.B.Dropped.Total(),
	}
}
