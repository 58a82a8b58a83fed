package sip

import "strings"

// transport is how messages reach a side: a fact of its trunk, or of the socket
// that its INVITE came in on.
type transport uint8

const (
	overUDP transport = iota
	overTCP
	overTLS
	transports
)

var transportNames = [transports]string{"udp", "tcp", "tls"}

func (t transport) String() string { return transportNames[t] }

// via is the name that Via gives it. RFC 3261 §20.42.
func (t transport) via() string { return [transports]string{"UDP", "TCP", "TLS"}[t] }

// reliable reports whether what is sent arrives or the connection breaks, so
// that no timer has to repeat it. RFC 3261 §17.
func (t transport) reliable() bool { return t != overUDP }

// params are what URIs say of it. There is no sips: it would promise TLS as far as
// the called person.
func (t transport) params() string {
	return [transports]string{"", ";transport=tcp", ";transport=tls"}[t]
}

// port is where a peer listens that names none.
func (t transport) port() uint16 {
	if t == overTLS {
		return defaultTLSPort
	}
	return defaultPort
}

// sentBy is the part of an address of ours that Via and From may hold: the
// "host:port" before its parameters.
func sentBy(own string) string {
	host, _, _ := strings.Cut(own, ";")
	return host
}
