package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/media"
	"maskline/sip"
	"maskline/testbench/await"
)

// The codec that signalling names is the one by which the relay rates.
func TestRelayTellsOfQuality(t *testing.T) {
	m, err := media.New(media.Config{Addr: netip.MustParseAddr("127.0.0.1"), PortMin: 10000, PortMax: 19999}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	for codec, rated := range map[string]bool{"PCMA/8000": true, "opus/48000": true, "other": false, "": false} {
		s, err := relay{media: m}.Allocate(sip.MediaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range []sip.Side{sip.SideA, sip.SideB} {
			if err := s.SetRemote(side, sip.Remote{RTP: conn.LocalAddr().(*net.UDPAddr).AddrPort()}); err != nil {
				t.Fatal(err)
			}
		}
		s.Answered(codec)
		p := make([]byte, 172)
		p[0], p[1] = 0x80, 8
		for n := range uint16(101) {
			if n == 50 {
				continue // lost
			}
			binary.BigEndian.PutUint16(p[2:], n)
			binary.BigEndian.PutUint32(p[4:], uint32(n)) // they all come at once
			if _, err := conn.WriteToUDPAddrPort(p, s.Local(sip.SideA)); err != nil {
				t.Fatal(err)
			}
		}
		session := s.(relaySession).session
		if !await.Within(10*time.Second, func() bool { return session.Stats().A.Received.Packets >= 100 }) {
			t.Fatalf("%+v", session.Stats())
		}
		_ = conn.Close()
		got := s.Release()
		if got.A.Packets != 100 || got.A.Octets != 17200 || got.A.Lost != 1 || got.A.Gaps != 1 || got.B.Packets != 0 {
			t.Errorf("%s: %+v", codec, got)
		}
		if (got.A.MOS > 3) != rated || (got.A.R > 60) != rated || got.B.MOS != 0 {
			t.Errorf("%s: %+v", codec, got)
		}
	}
}
