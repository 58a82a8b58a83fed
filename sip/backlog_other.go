//go:build !linux

package sip

import "net"

// backlog is not known here; late timers tell of overload alone.
func backlog(*net.UDPConn) float64 { return 0 }
