package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// mute is a listener that the test serves by hand.
func mute(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// raw is a PDU whose command_length says what it likes.
func raw(length uint32, c pdu.Command, sequence uint32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	b = binary.BigEndian.AppendUint32(b, uint32(c))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, sequence)
	return append(b, body...)
}

// whole is a PDU with a true command_length.
func whole(c pdu.Command, sequence uint32, body []byte) []byte {
	return raw(uint32(pdu.HeaderLen+len(body)), c, sequence, body)
}

// aHealthyPeerIsServed relays one message through the edge.
func aHealthyPeerIsServed(t *testing.T, b *bench) {
	t.Helper()
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	outlet := bound(t, b.addr, pdu.BindTransmitter, "outlet")
	outlet.send(t, pdu.SubmitSM, text(alice, maskShop, "still here"))
	f := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	shop.respond(t, f, pdu.ROK, "")
	outlet.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestHostileLengths(t *testing.T) {
	b := startEdge(t, baseConfig())
	for name, length := range map[string]uint32{"0": 0, "15": 15, "above the cap": pdu.MaxBound + 1, "highest": 0xFFFFFFFF} {
		for _, isBound := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := dialWire(t, b.addr)
				if isBound {
					w = bound(t, b.addr, pdu.BindTransceiver, "shop")
				}
				w.write(t, raw(length, pdu.SubmitSM, 99, nil))
				if f := w.expect(t, pdu.GenericNack, pdu.RInvCmdLen); f.Sequence != 99 {
					t.Fatal("the nack answers another PDU")
				}
				w.expectEnd(t)
			})
		}
	}
	t.Run("long before the bind", func(t *testing.T) {
		w := dialWire(t, b.addr)
		w.write(t, raw(pdu.MaxUnbound+1, pdu.BindTransceiver, 1, make([]byte, 300)))
		w.expect(t, pdu.GenericNack, pdu.RInvCmdLen)
		w.expectEnd(t)
	})
	aHealthyPeerIsServed(t, b)
}

// The whole frame is there, its content is wrong: it is answered and the
// session goes on.
func TestHostileBodies(t *testing.T) {
	good, _ := text(alice, maskOfBob, "hello").Append(nil, pdu.SubmitSM, 1)
	body := good[pdu.HeaderLen:]
	cases := []struct {
		name   string
		body   []byte
		status pdu.Status
	}{
		{"empty", nil, pdu.RInvCmdLen},
		{"cut in the source", body[:8], pdu.RInvCmdLen},
		{"cut in the text", body[:len(body)-2], pdu.RInvMsgLen},
		{"one octet left over", append(bytes.Clone(body), 0), pdu.RInvOptParStream},
		{"a TLV that is too long", append(bytes.Clone(body), 2, 4, 0, 9, 1), pdu.RInvParLen},
		{"a kilobyte of 0xFF", bytes.Repeat([]byte{0xFF}, 1024), pdu.RInvSerTyp},
		{"sixty kilobytes of TLVs", append(bytes.Clone(body), bytes.Repeat([]byte{0x14, 0, 0, 0}, 15_000)...), pdu.RSysErr}, // well-formed: it is routed, and no carrier is there
	}
	b := startEdge(t, baseConfig())
	w := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.write(t, whole(pdu.SubmitSM, 55, c.body))
			if f := w.expect(t, pdu.SubmitSMResp, c.status); f.Sequence != 55 {
				t.Fatal("another PDU was answered")
			}
		})
	}
	aHealthyPeerIsServed(t, b)
}

func TestSilentConnection(t *testing.T) {
	cfg := baseConfig()
	cfg.BindTimeout = time.Second
	b := startEdge(t, cfg)
	dialWire(t, b.addr).expectEnd(t)
	aHealthyPeerIsServed(t, b)
}

func TestDrippingOctets(t *testing.T) {
	cfg := baseConfig()
	cfg.PDUTimeout = 300 * time.Millisecond
	b := startEdge(t, cfg)
	w := bound(t, b.addr, pdu.BindTransceiver, "shop")
	frame, _ := text(alice, maskOfBob, "slow").Append(nil, pdu.SubmitSM, 1)
	for _, c := range frame[:len(frame)-1] { // one octet at a time, never quite done
		if _, err := w.conn.Write([]byte{c}); err != nil {
			break
		}
		_ = w.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // the pace
		if _, err := w.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			break // it has ended
		}
	}
	w.expectEnd(t)
	aHealthyPeerIsServed(t, b)
}

func TestResponseStorm(t *testing.T) {
	b := startEdge(t, baseConfig())
	w := bound(t, b.addr, pdu.BindTransceiver, "shop")
	var storm []byte
	for i := range uint32(5000) {
		storm = pdu.AppendMessageResp(storm, pdu.DeliverSM, pdu.ROK, i, nil)
		storm = pdu.AppendHeader(storm, pdu.GenericNack, pdu.RSysErr, i)
		storm = pdu.AppendHeader(storm, pdu.EnquireLinkResp, pdu.ROK, i)
		storm = pdu.AppendHeader(storm, pdu.BindTransceiverResp, pdu.ROK, i)
	}
	w.write(t, storm)
	w.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 1))
	w.expect(t, pdu.EnquireLinkResp, pdu.ROK)
	w.conn.Close()
	aHealthyPeerIsServed(t, b)
}

func TestWindowOverflow(t *testing.T) {
	_, shop, carrier := relayTo(t, func(c *Config) { c.Accounts[0].Window = 3 })
	for range 5 {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	}
	for range 2 {
		shop.expect(t, pdu.SubmitSMResp, pdu.RThrottled)
	}
	for range 3 {
		carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
}

// A peer that sends and never reads is cut off; what it leaves unread is
// bounded.
func TestPeerThatStopsReading(t *testing.T) {
	cfg := baseConfig()
	cfg.WriteTimeout = 300 * time.Millisecond
	b := startEdge(t, cfg)
	w := bound(t, b.addr, pdu.BindTransceiver, "shop")
	flood := bytes.Repeat(pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 1), 4096)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = w.conn.SetWriteDeadline(time.Now().Add(patience))
	for {
		if _, err := w.conn.Write(flood); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the peer was not cut off")
			}
			break
		}
	}
	eventually(t, "the bind is gone", func() bool { return len(b.Binds()) == 0 })
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Fatalf("%d octets of heap stayed behind", grown)
	}
	aHealthyPeerIsServed(t, b)
}

// A bind that is idle costs less than 64 KiB, this end of the test included.
func TestMemoryOfIdleBinds(t *testing.T) {
	const binds = 200
	b := startEdge(t, baseConfig())
	inUse := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := inUse()
	for range binds {
		bound(t, b.addr, pdu.BindTransceiver, "shop")
	}
	if each := (inUse() - before) / binds; each > 64<<10 {
		t.Fatalf("%d octets for each", each)
	}
}

func TestConnectionsOfOneSource(t *testing.T) {
	cfg := baseConfig()
	cfg.MaxUnbound = 4
	b := startEdge(t, cfg)
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	var idle []*wire
	for range 4 {
		idle = append(idle, dialWire(t, b.addr))
	}
	dialWire(t, b.addr).expectEnd(t)
	shop.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 1))
	shop.expect(t, pdu.EnquireLinkResp, pdu.ROK)
	for _, w := range idle {
		w.conn.Close()
	}
	eventually(t, "there is room again", func() bool {
		conn, err := net.Dial("tcp", b.addr)
		if err != nil {
			return false
		}
		defer conn.Close()
		w := newWire(conn)
		out, _ := (&pdu.Bind{SystemID: []byte("outlet"), Password: []byte("sesame")}).Append(nil, pdu.BindReceiver, 1)
		_, _ = conn.Write(out)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		f, ok := w.read()
		return ok && f.Status == pdu.ROK
	})
}

func TestConnectionsInAll(t *testing.T) {
	cfg := baseConfig()
	cfg.MaxConnections = 2
	b := startEdge(t, cfg)
	bound(t, b.addr, pdu.BindTransceiver, "shop")
	bound(t, b.addr, pdu.BindTransceiver, "outlet")
	dialWire(t, b.addr).expectEnd(t)
}

// A response of another type than its request is the peer's fault: the message
// still waits for its own.
func TestResponseOfAnotherType(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	carrier.write(t, pdu.AppendMessageResp(nil, pdu.DeliverSM, pdu.ROK, f.Sequence, nil))
	carrier.write(t, pdu.AppendMessageResp(nil, pdu.DataSM, pdu.ROK, f.Sequence, []byte("7")))
	carrier.respond(t, f, pdu.ROK, "7")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	if b.counted("shop", "alfa", outcomeAccepted) != 1 {
		t.Fatal("not counted once")
	}
}

// Both directions number from 1: a request with the number of one in flight is
// not its response.
func TestSequenceNumbersOfBothDirections(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "out"))
	out := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	m := text(carol, maskShop, "in")
	frame, _ := m.Append(nil, pdu.DeliverSM, out.Sequence)
	carrier.write(t, frame)
	in := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	shop.respond(t, in, pdu.ROK, "")
	if f := carrier.expect(t, pdu.DeliverSMResp, pdu.ROK); f.Sequence != out.Sequence {
		t.Fatal("another request was answered")
	}
	carrier.respond(t, out, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}
