package media

import (
	"errors"
	"fmt"
	"syscall"
)

// bindTries bounds how many pairs are tried for one side when others hold them.
const bindTries = 16

// bindPair takes a random pair and binds both ports. A pair that another
// process holds is left alone and the next one tried.
func (r *Relay) bindPair(d *side) error {
	var refused []uint16
	defer func() { r.ports.give(refused...) }()
	var last error
	for range bindTries {
		n, ok := r.ports.take()
		if !ok {
			break
		}
		err := r.bindBoth(d, n)
		if err == nil {
			return nil
		}
		r.total.bindFailures.Add(1)
		refused, last = append(refused, n), err
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if last == nil {
		return ErrPortsExhausted
	}
	return fmt.Errorf("%w: %w", ErrBind, last)
}

func (r *Relay) bindBoth(d *side, n uint16) error {
	rtp, err := r.backend.bind(n)
	if err != nil {
		return err
	}
	rtcp, err := r.backend.bind(n + 1)
	if err != nil {
		rtp.close()
		return err
	}
	d.rtp.out, d.rtp.number = rtp, n
	d.rtcp.out, d.rtcp.number = rtcp, n+1
	return nil
}
