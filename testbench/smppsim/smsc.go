package smppsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"maskline/smpp/pdu"
	"maskline/testbench/tap"
)

// Mode is how an SMSC treats the messages submitted to it.
type Mode int

// The modes.
const (
	Accept   Mode = iota
	Throttle      // every submit_sm is answered ESME_RTHROTTLED
	Late          // answers wait for another mode, in which they are given
	Silent        // nothing is answered any more
	Gone          // connections are closed and refused
)

// SMSC is a simulated carrier's SMS centre.
type SMSC struct {
	Tap tap.Tap // everything that the edge sent

	name     string
	listener net.Listener
	wg       sync.WaitGroup

	mu        sync.Mutex
	mode      Mode
	links     []*link
	late      []func() // submissions that wait for another mode
	submitted []Message
	reference byte
	nextID    int

	receipts courier
}

// StartSMSC listens on a loopback port of the kernel's choice. Any system_id
// and password may bind.
func StartSMSC(name string) (*SMSC, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the SMSC of %s: %w", name, err)
	}
	s := &SMSC{name: name, listener: listener, nextID: 1000}
	s.receipts.start(s)
	s.wg.Go(s.accept)
	s.wg.Go(s.receipts.run)
	return s, nil
}

// Addr is where the edge binds.
func (s *SMSC) Addr() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Close ends all connections and waits.
func (s *SMSC) Close() {
	_ = s.listener.Close()
	s.SetMode(Gone)
	s.receipts.stop()
	s.wg.Wait()
}

// SetMode changes how messages are treated from now on.
func (s *SMSC) SetMode(m Mode) {
	s.mu.Lock()
	s.mode = m
	var cut []*link
	if m == Gone {
		cut = slices.Clone(s.links)
	}
	late := s.late
	if m == Late {
		late = nil
	} else {
		s.late = nil
	}
	s.mu.Unlock()
	for _, l := range cut {
		l.close()
	}
	for _, submit := range late {
		submit()
	}
}

// Bound is the number of binds.
func (s *SMSC) Bound() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.links)
}

// Submitted is what was accepted, in order.
func (s *SMSC) Submitted() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.submitted)
}

// TakeSubmitted is Submitted, and forgets what it returns.
func (s *SMSC) TakeSubmitted() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.submitted
	s.submitted = nil
	return all
}

// ErrNotBound says that no bind of the edge is up.
var ErrNotBound = errors.New("not bound")

// Deliver hands a text from a subscriber to the edge, in as many segments as
// it needs, and returns the edge's first status other than ROK.
func (s *SMSC) Deliver(ctx context.Context, from, to, text string) (pdu.Status, error) {
	s.mu.Lock()
	if len(s.links) == 0 {
		s.mu.Unlock()
		return 0, fmt.Errorf("delivering through %s: %w", s.name, ErrNotBound)
	}
	l := s.links[0]
	s.reference++
	reference := s.reference
	s.mu.Unlock()
	return l.deliver(ctx, s.name, from, to, split(text, reference))
}

func (s *SMSC) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if s.currentMode() == Gone {
			_ = conn.Close()
			continue
		}
		l := newLink(conn, &s.Tap, s.request)
		s.wg.Go(func() {
			l.run()
			s.forget(l)
		})
	}
}

// link is a bind of the edge, or nil.
func (s *SMSC) link() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.links) == 0 {
		return nil
	}
	return s.links[0]
}

func (s *SMSC) currentMode() Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode
}

func (s *SMSC) forget(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = slices.DeleteFunc(s.links, func(other *link) bool { return other == l })
}

func (s *SMSC) request(l *link, h pdu.Header, body []byte) {
	switch {
	case h.Command.IsBind():
		s.bind(l, h, body)
	case h.Command == pdu.SubmitSM:
		s.submit(l, h, body)
	default:
		_ = l.write(pdu.AppendHeader(nil, pdu.GenericNack, pdu.RInvCmdID, h.Sequence))
	}
}

func (s *SMSC) bind(l *link, h pdu.Header, body []byte) {
	var bind pdu.Bind
	resp, status := pdu.BindResp{SystemID: []byte(s.name)}, pdu.ROK
	if err := bind.Decode(body); err != nil {
		status = pdu.StatusOf(err)
	}
	frame, err := resp.Append(nil, h.Command, status, h.Sequence)
	if err != nil {
		return
	}
	// Whoever saw the response finds the bind usable, and nothing overtakes it.
	s.mu.Lock()
	if l.write(frame) == nil && status == pdu.ROK {
		s.links = append(s.links, l)
	}
	s.mu.Unlock()
	s.receipts.wake()
}

func (s *SMSC) submit(l *link, h pdu.Header, body []byte) {
	var m pdu.Message
	status := pdu.ROK
	if err := m.Decode(body); err != nil {
		status = pdu.StatusOf(err)
	}
	s.mu.Lock()
	mode := s.mode
	var id string
	switch {
	case mode == Silent:
		s.mu.Unlock()
		return
	case mode == Late:
		body := slices.Clone(body)
		s.late = append(s.late, func() { s.submit(l, h, body) })
		s.mu.Unlock()
		return
	case mode == Throttle:
		status = pdu.RThrottled
	case status == pdu.ROK:
		s.nextID++
		id = strconv.Itoa(s.nextID)
		s.submitted = append(s.submitted, received(&m, time.Now()))
	}
	s.mu.Unlock()
	if l.write(pdu.AppendMessageResp(nil, h.Command, status, h.Sequence, []byte(id))) != nil || status != pdu.ROK {
		return
	}
	if m.RegisteredDelivery&pdu.RegisteredMask != 0 {
		s.receipts.add(&m, id)
	}
}
