package naming

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	mostStrays   = 64       // datagrams beside the question that a wait goes past
	mostDatagram = 4 << 10  // octets; some servers send more than they were told
	mostMessage  = 16 << 10 // octets over TCP
)

var (
	errRefused = errors.New("the server did not answer the question")
	errStrays  = errors.New("the server answered other questions")
	errTooLong = errors.New("the answer is too long")
)

// exchange asks one server: over UDP, over TCP what is cut off there.
func (c *Client) exchange(ctx context.Context, server netip.AddrPort, q *question) (*answer, error) {
	edns := true
	a, err := c.over(ctx, "udp", server, q, edns)
	if err == nil && (a.code == dnsmessage.RCodeFormatError || a.code == dnsmessage.RCodeNotImplemented) {
		edns = false // it may be older. RFC 6891 §7
		a, err = c.over(ctx, "udp", server, q, edns)
	}
	if err == nil && a.truncated {
		a, err = c.over(ctx, "tcp", server, q, edns)
	}
	switch {
	case err != nil:
		return nil, err
	case a.truncated, a.lame, a.code != dnsmessage.RCodeSuccess && a.code != dnsmessage.RCodeNameError:
		return nil, errRefused
	}
	return a, nil
}

// over asks over one transport, from a socket of its own, whose port the kernel
// draws.
func (c *Client) over(ctx context.Context, network string, server netip.AddrPort, q *question, edns bool) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	id := newID()
	query, err := q.pack(id, edns)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	var msg []byte
	if network == "udp" {
		msg, err = q.datagram(conn, query, id)
	} else {
		msg, err = q.stream(conn, query, id)
	}
	if err != nil {
		return nil, err
	}
	return q.read(msg)
}

// datagram waits for the datagram that answers the query.
func (q *question) datagram(conn net.Conn, query []byte, id uint16) ([]byte, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, mostDatagram)
	for range mostStrays {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if q.isFor(buf[:n], id) {
			return buf[:n], nil
		}
	}
	return nil, errStrays
}

// stream reads the one message that answers the query. RFC 7766 §8.
func (q *question) stream(conn net.Conn, query []byte, id uint16) ([]byte, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n > mostMessage {
		return nil, errTooLong
	}
	msg := make([]byte, n)
	if _, err := io.ReadFull(conn, msg); err != nil {
		return nil, err
	}
	if !q.isFor(msg, id) {
		return nil, errStrays
	}
	return msg, nil
}
