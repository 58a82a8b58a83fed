package smppsim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"maskline/smpp/pdu"
	"maskline/testbench/tap"
)

// ESME is a simulated aggregator, bound to an account of the edge as a
// transceiver.
type ESME struct {
	Tap tap.Tap // everything that the edge sent

	link *link
	wg   sync.WaitGroup

	mu        sync.Mutex
	reference byte
	delivered []Message
	receipts  []Receipt
}

// BindESME connects and binds.
func BindESME(ctx context.Context, edge netip.AddrPort, systemID, password string) (*ESME, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", edge.String())
	if err != nil {
		return nil, fmt.Errorf("binding %s: %w", systemID, err)
	}
	e := &ESME{}
	e.link = newLink(conn, &e.Tap, e.request)
	e.wg.Go(e.link.run)
	bind := pdu.Bind{SystemID: []byte(systemID), Password: []byte(password), InterfaceVersion: pdu.Version34}
	r, err := e.link.request(ctx, func(sequence uint32) ([]byte, error) {
		return bind.Append(nil, pdu.BindTransceiver, sequence)
	})
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("binding %s: %w", systemID, err)
	}
	if r.header.Status != pdu.ROK {
		e.Close()
		return nil, fmt.Errorf("binding %s: refused with status 0x%02X", systemID, uint32(r.header.Status))
	}
	return e, nil
}

// Close ends the connection and waits.
func (e *ESME) Close() {
	e.link.close()
	e.wg.Wait()
}

// Submit sends a text in as many segments as it needs and asks for receipts.
// It returns the edge's message ids, and its first status other than ROK.
func (e *ESME) Submit(ctx context.Context, from, to, text string) ([]string, pdu.Status, error) {
	e.mu.Lock()
	e.reference++
	reference := e.reference
	e.mu.Unlock()
	var ids []string
	for _, p := range split(text, reference) {
		m := pdu.Message{
			Source:      pdu.Address{TON: 1, NPI: 1, Digits: []byte(from)},
			Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(to)},
			ESMClass:    p.esmClass, DataCoding: p.coding, ShortMessage: p.content,
			RegisteredDelivery: pdu.RegisteredBoth,
		}
		r, err := e.link.request(ctx, func(sequence uint32) ([]byte, error) { return m.Append(nil, pdu.SubmitSM, sequence) })
		if err != nil {
			return ids, 0, fmt.Errorf("submitting: %w", err)
		}
		if r.header.Status != pdu.ROK {
			return ids, r.header.Status, nil
		}
		var resp pdu.MessageResp
		if err := resp.Decode(r.body); err != nil {
			return ids, 0, fmt.Errorf("submitting: %w", err)
		}
		ids = append(ids, string(resp.MessageID))
	}
	return ids, pdu.ROK, nil
}

// Delivered is what arrived, in order.
func (e *ESME) Delivered() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.delivered)
}

// Receipts is the receipts that arrived, in order.
func (e *ESME) Receipts() []Receipt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.receipts)
}

// Take returns what arrived and forgets it.
func (e *ESME) Take() ([]Message, []Receipt) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delivered, receipts := e.delivered, e.receipts
	e.delivered, e.receipts = nil, nil
	return delivered, receipts
}

// Done is closed when the connection has ended.
func (e *ESME) Done() <-chan struct{} { return e.link.done }

func (e *ESME) request(l *link, h pdu.Header, body []byte) {
	if h.Command != pdu.DeliverSM {
		_ = l.write(pdu.AppendHeader(nil, pdu.GenericNack, pdu.RInvCmdID, h.Sequence))
		return
	}
	var m pdu.Message
	status := pdu.ROK
	if err := m.Decode(body); err != nil {
		status = pdu.StatusOf(err)
	} else {
		e.keep(&m)
	}
	_ = l.write(pdu.AppendMessageResp(nil, h.Command, status, h.Sequence, nil))
}

func (e *ESME) keep(m *pdu.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !m.IsReceipt() {
		e.delivered = append(e.delivered, received(m, time.Now()))
		return
	}
	if r, ok := pdu.ParseReceipt(m); ok {
		e.receipts = append(e.receipts, Receipt{
			Source: string(m.Source.Digits), Destination: string(m.Destination.Digits),
			MessageID: string(r.MessageID), State: r.State,
		})
	}
}
