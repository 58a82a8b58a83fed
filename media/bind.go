package media

import (
	"errors"
	"fmt"
	"syscall"
)

// pair is an even port for RTP and the next for RTCP, of one network.
type pair struct {
	network   *network
	number    uint16 // the even one; 0: none
	rtp, rtcp endpoint
}

// close closes both endpoints, under the lock of the session that has them.
func (p *pair) close() {
	p.rtp.close()
	p.rtcp.close()
}

// giveBack makes the numbers free, after close.
func (p *pair) giveBack() {
	if b, ok := p.network.backend.(sleeper); ok && b.asleep(p.number) && b.asleep(p.number+1) {
		p.network.ports.giveReady(p.number)
		return
	}
	p.network.ports.give(p.number)
}

// bindTries bounds how many pairs are tried for one side when others hold them.
const bindTries = 16

// bindPair takes a random pair and binds both ports. A pair that another
// process holds is left alone and the next one tried.
func (r *Relay) bindPair(n *network) (pair, error) {
	var refused []uint16
	defer func() { n.ports.give(refused...) }()
	var last error
	for range bindTries {
		number, ok := n.ports.take()
		if !ok {
			break
		}
		p, err := n.bindBoth(number)
		if err == nil {
			return p, nil
		}
		r.total.bindFailures.Add(1)
		refused, last = append(refused, number), err
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if last == nil {
		return pair{}, ErrPortsExhausted
	}
	return pair{}, fmt.Errorf("%w: %w", ErrBind, last)
}

func (n *network) bindBoth(number uint16) (pair, error) {
	rtp, err := n.backend.bind(number)
	if err != nil {
		return pair{}, err
	}
	rtcp, err := n.backend.bind(number + 1)
	if err != nil {
		rtp.close()
		return pair{}, err
	}
	return pair{n, number, rtp, rtcp}, nil
}

// start lets the pair deliver to the side's ports.
func (d *side) start(p pair) error {
	if err := p.rtp.start(&d.rtp); err != nil {
		return fmt.Errorf("%w: %w", ErrBind, err)
	}
	if err := p.rtcp.start(&d.rtcp); err != nil {
		return fmt.Errorf("%w: %w", ErrBind, err)
	}
	return nil
}

// use makes the pair the side's. A thread that waits for the session may be
// reading which one it belongs to: that stays.
func (d *side) use(p pair) {
	d.network = p.network
	for _, one := range []struct {
		port   *port
		out    endpoint
		number uint16
	}{{&d.rtp, p.rtp, p.number}, {&d.rtcp, p.rtcp, p.number + 1}} {
		one.port.out, one.port.number = one.out, one.number
		one.port.latch = latch{}
	}
}

// pair is the side's; its number is 0 where it has none.
func (d *side) pair() pair {
	return pair{d.network, d.rtp.number, d.rtp.out, d.rtcp.out}
}
