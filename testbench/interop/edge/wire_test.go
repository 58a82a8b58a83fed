//go:build peers

package edge

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// wire is an SMPP connection whose octets the test writes itself.
type wire struct {
	t    *testing.T
	conn net.Conn
}

// dialWire connects from an address of its own, so that what it does wrong is
// not held against the others.
func (b *bed) dialWire(from netip.Addr) *wire {
	b.t.Helper()
	return b.dialFrom(from, b.edge.Listeners().SMPP[0])
}

func (b *bed) dialFrom(from netip.Addr, to netip.AddrPort) *wire {
	b.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}, Timeout: patience}
	conn, err := dialer.DialContext(b.t.Context(), "tcp", to.String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return &wire{b.t, conn}
}

// bindWire connects and binds as a transceiver.
func (b *bed) bindWire(from netip.Addr, systemID string) *wire {
	b.t.Helper()
	w := b.dialWire(from)
	bind := pdu.Bind{SystemID: []byte(systemID), Password: []byte("demo"), InterfaceVersion: pdu.Version34}
	frame, err := bind.Append(nil, pdu.BindTransceiver, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	w.write(frame)
	w.expect(pdu.BindTransceiverResp, pdu.ROK)
	return w
}

func (w *wire) write(b []byte) {
	w.t.Helper()
	_ = w.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

// read returns the next PDU; io.EOF where the edge has closed the connection.
func (w *wire) read() (pdu.Header, []byte, error) {
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	head := make([]byte, pdu.HeaderLen)
	if _, err := io.ReadFull(w.conn, head); err != nil {
		return pdu.Header{}, nil, err
	}
	length := binary.BigEndian.Uint32(head)
	if length < pdu.HeaderLen || length > pdu.MaxBound {
		return pdu.Header{}, nil, errors.New("the edge sent a faulty command_length")
	}
	body := make([]byte, length-pdu.HeaderLen)
	_, err := io.ReadFull(w.conn, body)
	return pdu.ParseHeader(head), body, err
}

// expect wants the next PDU to be a certain response.
func (w *wire) expect(c pdu.Command, status pdu.Status) {
	w.t.Helper()
	h, _, err := w.read()
	if err != nil || h.Command != c || h.Status != status {
		w.t.Fatalf("got %v with status 0x%02X (%v), not %v with 0x%02X", h.Command, uint32(h.Status), err, c, uint32(status))
	}
}

// expectEnd wants the edge to close the connection.
func (w *wire) expectEnd() {
	w.t.Helper()
	h, _, err := w.read()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		w.t.Fatalf("the connection was not closed: %v, %v", h.Command, err)
	}
	w.conn.Close()
}
