package smppsim

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"maskline/smpp/pdu"
)

// Outcome is what becomes of a message that is submitted to a Network.
type Outcome struct {
	Status pdu.Status // of the answer; other than ROK: it is not taken
	Silent bool       // there is no answer
	State  pdu.State  // of the receipt
	Code   uint16     // error code of the receipt; 0: none
	Quiet  bool       // no receipt comes
}

// NetworkConfig of a Network.
type NetworkConfig struct {
	// Name that it answers binds with.
	Name string
	// Password that binds need.
	Password string
	// Outcome of a message to a number, given as digits.
	Outcome func(to []byte) Outcome
	// Taken is told of what was taken; it must not wait.
	Taken func(Message)
}

const (
	mostLinks    = 8
	mostOwed     = 10_000 // receipts; beyond it messages are throttled
	bindWithin   = 5 * time.Second
	submitWithin = 15 * time.Second
)

// Network is the simulated carrier of a sandbox: an SMSC whose subscribers differ. It
// keeps nothing, and its memory is bounded.
type Network struct {
	cfg      NetworkConfig
	listener net.Listener
	ctx      context.Context
	stop     context.CancelFunc
	wg       sync.WaitGroup
	owed     chan receiptOf

	mu        sync.Mutex
	links     map[*link]bool // whether bound
	nextID    int
	reference byte
}

type receiptOf struct {
	receipt
	outcome Outcome
}

// StartNetwork listens on a loopback port of the kernel's choice.
func StartNetwork(cfg NetworkConfig) (*Network, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the network %s: %w", cfg.Name, err)
	}
	n := &Network{cfg: cfg, listener: listener, links: map[*link]bool{}, owed: make(chan receiptOf, mostOwed)}
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.wg.Go(n.accept)
	n.wg.Go(n.bring)
	return n, nil
}

// Addr is where the edge binds.
func (n *Network) Addr() netip.AddrPort { return n.listener.Addr().(*net.TCPAddr).AddrPort() }

// Close ends all connections and waits.
func (n *Network) Close() {
	_ = n.listener.Close()
	n.stop()
	n.mu.Lock()
	for l := range n.links {
		l.close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

// Deliver hands a text from a subscriber to the edge, in as many segments as it
// needs, and returns the edge's first status other than ROK.
func (n *Network) Deliver(ctx context.Context, from, to, text string) (pdu.Status, error) {
	l := n.bound()
	if l == nil {
		return 0, fmt.Errorf("delivering through %s: %w", n.cfg.Name, ErrNotBound)
	}
	n.mu.Lock()
	n.reference++
	reference := n.reference
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, submitWithin)
	defer cancel()
	return l.deliver(ctx, n.cfg.Name, from, to, split(text, reference))
}

// bound is a bind of the edge, or nil.
func (n *Network) bound() *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l, bound := range n.links {
		if bound {
			return l
		}
	}
	return nil
}

func (n *Network) accept() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		l := newLink(conn, nil, n.request)
		n.mu.Lock()
		full := len(n.links) >= mostLinks || n.ctx.Err() != nil
		if !full {
			n.links[l] = false
		}
		n.mu.Unlock()
		if full || conn.SetReadDeadline(time.Now().Add(bindWithin)) != nil {
			l.close()
			continue
		}
		n.wg.Go(func() {
			l.run()
			n.mu.Lock()
			delete(n.links, l)
			n.mu.Unlock()
		})
	}
}

func (n *Network) request(l *link, h pdu.Header, body []byte) {
	n.mu.Lock()
	bound := n.links[l]
	n.mu.Unlock()
	switch {
	case h.Command.IsBind() && !bound:
		n.bind(l, h, body)
	case h.Command == pdu.SubmitSM && bound:
		n.submit(l, h, body)
	default:
		_ = l.write(pdu.AppendHeader(nil, pdu.GenericNack, pdu.RInvCmdID, h.Sequence))
	}
}

func (n *Network) bind(l *link, h pdu.Header, body []byte) {
	var bind pdu.Bind
	status := pdu.ROK
	if err := bind.Decode(body); err != nil {
		status = pdu.StatusOf(err)
	} else if subtle.ConstantTimeCompare(bind.Password, []byte(n.cfg.Password)) != 1 {
		status = pdu.RInvPaswd
	}
	frame, err := (&pdu.BindResp{SystemID: []byte(n.cfg.Name)}).Append(nil, h.Command, status, h.Sequence)
	if err != nil {
		return
	}
	// Whoever saw the response finds the bind usable, and nothing overtakes it.
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.write(frame) == nil && status == pdu.ROK && l.conn.SetReadDeadline(time.Time{}) == nil {
		n.links[l] = true
	}
}

func (n *Network) submit(l *link, h pdu.Header, body []byte) {
	var m pdu.Message
	if err := m.Decode(body); err != nil {
		_ = l.write(pdu.AppendMessageResp(nil, h.Command, pdu.StatusOf(err), h.Sequence, nil))
		return
	}
	o := n.cfg.Outcome(m.Destination.Digits)
	if o.Silent {
		return
	}
	if o.Status == pdu.ROK && len(n.owed) == cap(n.owed) {
		o.Status = pdu.RThrottled
	}
	var id string
	if o.Status == pdu.ROK {
		n.mu.Lock()
		n.nextID++
		id = strconv.Itoa(n.nextID)
		n.mu.Unlock()
		n.cfg.Taken(received(&m, time.Now()))
	}
	if l.write(pdu.AppendMessageResp(nil, h.Command, o.Status, h.Sequence, []byte(id))) != nil || o.Status != pdu.ROK {
		return
	}
	if o.Quiet || m.RegisteredDelivery&pdu.RegisteredMask == 0 {
		return
	}
	r := receiptOf{receipt{source: m.Destination, destination: m.Source, id: id, done: time.Now()}, o}
	r.source.Digits, r.destination.Digits = bytes.Clone(r.source.Digits), bytes.Clone(r.destination.Digits)
	select {
	case n.owed <- r:
	case <-n.ctx.Done():
	}
}

// bring hands over receipts one after the other; one that the edge does not take is
// brought again.
func (n *Network) bring() {
	for {
		var r receiptOf
		select {
		case <-n.ctx.Done():
			return
		case r = <-n.owed:
		}
		for !n.brought(&r) {
			select {
			case <-n.ctx.Done():
				return
			case <-time.After(receiptAgain):
			}
		}
	}
}

func (n *Network) brought(r *receiptOf) bool {
	l := n.bound()
	return l != nil && l.receipt(n.ctx, &r.receipt, pdu.Receipt{State: r.outcome.State, ErrorCode: r.outcome.Code})
}
