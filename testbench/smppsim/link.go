package smppsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"maskline/smpp/pdu"
	"maskline/testbench/tap"
)

const (
	bufferSize   = 16 << 10
	writeTimeout = 5 * time.Second
)

var errLinkClosed = errors.New("link closed")

// link is one SMPP connection: a reader, and requests that wait for responses.
type link struct {
	conn    net.Conn
	tap     *tap.Tap
	handle  func(l *link, h pdu.Header, body []byte) // requests of the peer, one at a time
	done    chan struct{}
	writeMu sync.Mutex

	mu       sync.Mutex
	sequence uint32
	waiting  map[uint32]chan response
	closed   bool
}

type response struct {
	header pdu.Header
	body   []byte
}

func newLink(conn net.Conn, t *tap.Tap, handle func(*link, pdu.Header, []byte)) *link {
	return &link{conn: conn, tap: t, handle: handle, done: make(chan struct{}), waiting: map[uint32]chan response{}}
}

// run reads until the connection ends.
func (l *link) run() {
	defer l.close()
	reader := pdu.NewReader(l.conn, pdu.MaxBound, bufferSize)
	for {
		frame, err := reader.Next()
		if err != nil {
			return
		}
		if frame == nil {
			if _, err := reader.Fill(); err != nil {
				return
			}
			continue
		}
		if l.tap != nil {
			l.tap.Add(frame)
		}
		h, body := pdu.ParseHeader(frame), frame[pdu.HeaderLen:]
		if h.Command.IsResponse() {
			l.answer(h, body)
			continue
		}
		switch h.Command {
		case pdu.EnquireLink:
			_ = l.write(pdu.AppendHeader(nil, pdu.EnquireLinkResp, pdu.ROK, h.Sequence))
		case pdu.Unbind:
			_ = l.write(pdu.AppendHeader(nil, pdu.UnbindResp, pdu.ROK, h.Sequence))
			return
		default:
			l.handle(l, h, body)
		}
	}
}

func (l *link) answer(h pdu.Header, body []byte) {
	l.mu.Lock()
	wait := l.waiting[h.Sequence]
	delete(l.waiting, h.Sequence)
	l.mu.Unlock()
	if wait != nil {
		wait <- response{h, append([]byte(nil), body...)}
	}
}

// request sends what build makes for a sequence number and waits for the
// response.
func (l *link) request(ctx context.Context, build func(sequence uint32) ([]byte, error)) (response, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return response{}, errLinkClosed
	}
	l.sequence++
	sequence := l.sequence
	wait := make(chan response, 1)
	l.waiting[sequence] = wait
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, sequence)
		l.mu.Unlock()
	}()
	frame, err := build(sequence)
	if err != nil {
		return response{}, fmt.Errorf("building a PDU: %w", err)
	}
	if err := l.write(frame); err != nil {
		return response{}, err
	}
	select {
	case r := <-wait:
		return r, nil
	case <-l.done:
		return response{}, errLinkClosed
	case <-ctx.Done():
		return response{}, fmt.Errorf("waiting for a response: %w", ctx.Err())
	}
}

func (l *link) write(frame []byte) error {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	if _, err := l.conn.Write(frame); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.done)
		_ = l.conn.Close()
	}
}

// deliver sends a message of a subscriber in parts, and returns the first status
// other than ROK.
func (l *link) deliver(ctx context.Context, name, from, to string, parts []part) (pdu.Status, error) {
	for _, p := range parts {
		m := pdu.Message{
			Source:      pdu.Address{TON: 1, NPI: 1, Digits: []byte(from)},
			Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(to)},
			ESMClass:    p.esmClass, DataCoding: p.coding, ShortMessage: p.content,
		}
		r, err := l.request(ctx, func(sequence uint32) ([]byte, error) { return m.Append(nil, pdu.DeliverSM, sequence) })
		if err != nil {
			return 0, fmt.Errorf("delivering through %s: %w", name, err)
		}
		if r.header.Status != pdu.ROK {
			return r.header.Status, nil
		}
	}
	return pdu.ROK, nil
}

// receipt brings one, and reports whether it was taken.
func (l *link) receipt(ctx context.Context, r *receipt, body pdu.Receipt) bool {
	ctx, cancel := context.WithTimeout(ctx, receiptWithin)
	defer cancel()
	body.MessageID, body.Done = []byte(r.id), r.done
	m := pdu.Message{
		Source: r.source, Destination: r.destination, ESMClass: body.ESMClass(),
		ShortMessage: body.AppendText(nil, r.done), TLVs: body.AppendTLVs(nil),
	}
	answer, err := l.request(ctx, func(sequence uint32) ([]byte, error) { return m.Append(nil, pdu.DeliverSM, sequence) })
	return err == nil && answer.header.Status == pdu.ROK
}
