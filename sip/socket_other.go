//go:build !linux

package sip

import (
	"fmt"
	"syscall"
)

// tune asks for the receive buffer.
func (s *datagrams) tune(buffer int, _ bool) error {
	if err := s.SetReadBuffer(buffer); err != nil {
		return fmt.Errorf("tuning the socket: %w", err)
	}
	return nil
}

// undeliverable does nothing: here only timers tell of an unreachable peer.
func (s *datagrams) undeliverable() {}

// discard does nothing: here what has waited is served.
func (s *datagrams) discard() {}

// mostSockets bounds those of one address: here it cannot be shared.
const mostSockets = 1

func shared(string, string, syscall.RawConn) error { return nil }
