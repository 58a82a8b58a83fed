package rtpload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Carriers are both sides of an edge: one calls a mask, the other answers the call
// that the edge makes of it. They set up one call at a time.
type Carriers struct {
	edge           netip.AddrPort
	caller, callee *net.UDPConn
	from, mask     string
	run            uint64 // tells these calls from others
	work           sync.WaitGroup

	answers chan *sip.Response // to the caller's requests
	offers  chan netip.AddrPort

	mu      sync.Mutex
	party   netip.AddrPort    // of the call that is being set up, on the called side
	replies map[string][]byte // by Call-ID: what a repeated message is answered by
	calls   []*dialog         // of the caller
}

// dialog is an answered call.
type dialog struct{ id, from, to, contact string }

// Trunks say who calls whom.
type Trunks struct {
	// Caller and Callee are the addresses of both carriers' SIP. Port 0: the
	// kernel's choice.
	Caller, Callee netip.AddrPort
	// From calls Mask, both digits of E.164.
	From, Mask string
}

// NewCarriers opens both carriers' sockets. Calls need [Carriers.Use] first.
func NewCarriers(t Trunks) (*Carriers, error) {
	c := &Carriers{
		from: t.From, mask: t.Mask, run: rand.Uint64(),
		answers: make(chan *sip.Response, 16), offers: make(chan netip.AddrPort, 16), replies: map[string][]byte{},
	}
	var err error
	if c.caller, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(t.Caller)); err != nil {
		return nil, fmt.Errorf("opening the caller's carrier: %w", err)
	}
	if c.callee, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(t.Callee)); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the called carrier: %w", err), c.caller.Close())
	}
	c.work.Go(func() { c.read(c.caller) })
	c.work.Go(func() { c.read(c.callee) })
	return c, nil
}

// Addrs are where both carriers are.
func (c *Carriers) Addrs() (caller, callee netip.AddrPort) { return local(c.caller), local(c.callee) }

func local(conn *net.UDPConn) netip.AddrPort {
	a := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Use says where the edge is.
func (c *Carriers) Use(edge netip.AddrPort) { c.edge = edge }

const (
	repeatAfter = 500 * time.Millisecond // RFC 3261 §17.1.1.1
	giveUpAfter = 10 * time.Second
)

// Connect implements [Relay].
func (c *Carriers) Connect(ctx context.Context, a, b netip.AddrPort) (Ends, error) {
	ctx, cancel := context.WithTimeout(ctx, giveUpAfter)
	defer cancel()
	c.mu.Lock()
	c.party = b
	d := &dialog{id: fmt.Sprintf("load-%x-%d", c.run, len(c.calls)), from: fmt.Sprintf("<sip:+%s@carrier.example>;tag=%x-%d", c.from, c.run, len(c.calls))}
	c.calls = append(c.calls, d)
	c.mu.Unlock()
	resp, err := c.ask(ctx, c.invite(d, a), sip.INVITE, d.id)
	if resp != nil && err != nil {
		_, _ = c.caller.WriteToUDPAddrPort(c.refused(d, resp), c.edge)
	}
	if err != nil {
		return Ends{}, err
	}
	if err := c.acknowledge(d, resp); err != nil {
		return Ends{}, err
	}
	at, err := voice(resp.Body())
	if err != nil {
		return Ends{}, fmt.Errorf("reading the edge's answer: %w", err)
	}
	select {
	case facing := <-c.offers:
		return Ends{A: at, B: facing}, nil
	case <-ctx.Done():
		return Ends{}, fmt.Errorf("waiting for the edge's offer: %w", ctx.Err())
	}
}

// HangUp ends all calls from the caller's side.
func (c *Carriers) HangUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, giveUpAfter)
	defer cancel()
	c.mu.Lock()
	calls := c.calls
	c.calls = nil
	c.mu.Unlock()
	for _, d := range calls {
		if d.contact == "" {
			continue
		}
		if _, err := c.ask(ctx, c.request(d, sip.BYE, 2), sip.BYE, d.id); err != nil {
			return fmt.Errorf("hanging up: %w", err)
		}
	}
	return nil
}

// Close closes both sockets and waits. Calls that stand stay.
func (c *Carriers) Close() error {
	err := errors.Join(c.caller.Close(), c.callee.Close())
	c.work.Wait()
	return err
}

// ask sends a request of the caller until it has a final answer, which is returned
// with an error where it is no success.
func (c *Carriers) ask(ctx context.Context, text []byte, method sip.RequestMethod, id string) (*sip.Response, error) {
	repeat := time.NewTicker(repeatAfter)
	defer repeat.Stop()
	for {
		if _, err := c.caller.WriteToUDPAddrPort(text, c.edge); err != nil {
			return nil, fmt.Errorf("sending: %w", err)
		}
		for again := false; !again; {
			select {
			case r := <-c.answers:
				switch {
				case r.CallID().Value() != id || r.CSeq().MethodName != method || r.StatusCode < 200:
				case r.StatusCode >= 300:
					return r, fmt.Errorf("the edge answered %s with %d", method, r.StatusCode)
				default:
					return r, nil
				}
			case <-repeat.C:
				again = true
			case <-ctx.Done():
				return nil, fmt.Errorf("waiting for the edge's answer: %w", ctx.Err())
			}
		}
	}
}

func (c *Carriers) acknowledge(d *dialog, r *sip.Response) error {
	if r.Contact() == nil || r.To() == nil {
		return errors.New("the edge's answer has no Contact or To")
	}
	d.contact, d.to = r.Contact().Address.String(), r.To().Value()
	ack := c.request(d, sip.ACK, 1)
	c.mu.Lock()
	c.replies[d.id] = ack
	c.mu.Unlock()
	if _, err := c.caller.WriteToUDPAddrPort(ack, c.edge); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}
