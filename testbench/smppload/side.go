package smppload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"maskline/smpp/pdu"
)

// side is one end: its binds, and the receipts of those that ended.
type side struct {
	bench    *Bench
	cfg      Side
	number   int // among the receiving ends
	sends    bool
	listener net.Listener // an SMSC's
	faults   atomic.Pointer[Faults]

	mu       sync.Mutex
	links    []*link // by their number; nil where it is free
	bound    int
	orphans  []owed
	orphaned atomic.Bool

	orphansAgain  []again
	orphanedAgain atomic.Bool
}

const (
	bindWithin = 5 * time.Second
	bindAgain  = 100 * time.Millisecond
)

var errTooMany = errors.New("too many binds")

func (b *Bench) newSide(ctx context.Context, cfg Side, number int, sends bool) (*side, error) {
	s := &side{bench: b, cfg: cfg, number: number, sends: sends}
	if cfg.Role != SMSC {
		return s, nil
	}
	var err error
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr); err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return s, nil
}

// start begins to bind, or to be bound to.
func (s *side) start() {
	if s.cfg.Role == SMSC {
		s.bench.work.Go(s.accept)
		return
	}
	for range s.cfg.Binds {
		s.bench.work.Go(s.bindAndAgain)
	}
}

func (s *side) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.bench.work.Go(func() { s.serve(conn, (*link).beBound) })
	}
}

// bindAndAgain keeps one bind of an ESME.
func (s *side) bindAndAgain() {
	for !s.bench.isDone() {
		dialer := net.Dialer{Timeout: bindWithin}
		if conn, err := dialer.DialContext(s.bench.ctx, "tcp", s.cfg.Addr); err == nil {
			s.serve(conn, (*link).bind)
		}
		s.bench.pause(bindAgain)
	}
}

// serve binds and runs a connection.
func (s *side) serve(conn net.Conn, bind func(*link) error) {
	l := newLink(s.bench, s, conn)
	stop := context.AfterFunc(s.bench.ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(bindWithin)) // a closed one tells at once
	if bind(l) != nil || conn.SetDeadline(time.Time{}) != nil || s.add(l) != nil {
		_ = conn.Close()
		return
	}
	l.run()
	s.remove(l)
}

// add gives a link its number.
func (s *side) add(l *link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.links {
		if other == nil {
			s.links[i], l.number = l, uint16(i)
			s.bound++
			return nil
		}
	}
	if len(s.links) == maxBinds {
		return errTooMany
	}
	l.number = uint16(len(s.links))
	s.links = append(s.links, l)
	s.bound++
	return nil
}

func (s *side) remove(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l.number] = nil
	s.bound--
}

func (s *side) isBound() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound >= s.cfg.Binds
}

// each calls f for every bind.
func (s *side) each(f func(*link)) {
	s.mu.Lock()
	links := append([]*link(nil), s.links...)
	s.mu.Unlock()
	for _, l := range links {
		if l != nil {
			f(l)
		}
	}
}

// next reads one PDU, before the link runs.
func (l *link) next() (pdu.Header, error) {
	for {
		frame, err := l.reader.Next()
		if err != nil {
			return pdu.Header{}, fmt.Errorf("reading: %w", err)
		}
		if frame != nil {
			return pdu.ParseHeader(frame), nil
		}
		if _, err := l.reader.Fill(); err != nil {
			return pdu.Header{}, fmt.Errorf("reading: %w", err)
		}
	}
}

// bind binds as an ESME.
func (l *link) bind() error {
	bind := pdu.Bind{SystemID: []byte(l.side.cfg.SystemID), Password: []byte(l.side.cfg.Password), InterfaceVersion: pdu.Version34}
	frame, err := bind.Append(nil, pdu.BindTransceiver, 1)
	if err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	if _, err := l.conn.Write(frame); err != nil {
		return fmt.Errorf("binding: %w", err)
	}
	h, err := l.next()
	if err != nil {
		return err
	}
	if h.Command != pdu.BindTransceiverResp || h.Status != pdu.ROK {
		l.bench.refusedBinds.Add(1)
		return fmt.Errorf("binding: refused with status 0x%02X", uint32(h.Status))
	}
	return nil
}

// beBound answers the bind of a peer. Everybody may.
func (l *link) beBound() error {
	h, err := l.next()
	if err != nil {
		return err
	}
	if !h.Command.IsBind() {
		return fmt.Errorf("being bound to: command 0x%08X", uint32(h.Command))
	}
	resp := pdu.BindResp{SystemID: []byte("testbench")}
	frame, err := resp.Append(nil, h.Command, pdu.ROK, h.Sequence)
	if err != nil {
		return fmt.Errorf("being bound to: %w", err)
	}
	if _, err := l.conn.Write(frame); err != nil {
		return fmt.Errorf("being bound to: %w", err)
	}
	return nil
}

// reset ends the connection with a TCP reset.
func (l *link) reset() {
	if tcp, ok := l.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the end is an orderly one
	}
	l.cut = errCut
}
