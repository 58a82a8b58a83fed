//go:build !linux

package sip

import "fmt"

// tune asks for the receive buffer.
func (s *socket) tune(buffer int) error {
	if err := s.SetReadBuffer(buffer); err != nil {
		return fmt.Errorf("tuning the socket: %w", err)
	}
	return nil
}

// undeliverable does nothing: here only timers tell of an unreachable peer.
func (s *socket) undeliverable() {}

// discard does nothing: here what has waited is served.
func (s *socket) discard() {}
