package media

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// Config says where the relay listens and how patient it is.
type Config struct {
	// Addr is the local address on which ports are bound. Required. It may be
	// unspecified (0.0.0.0 or ::) only where Advertise is set.
	Addr netip.Addr
	// Advertise is the address that peers are told. Zero: Addr.
	Advertise netip.Addr
	// PortMin and PortMax bound the ports, both inclusive. Both zero:
	// 10000-32767. A session takes four ports.
	PortMin, PortMax uint16
	// Backend is "portable", "steer" (CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW), or
	// "auto": the fastest that the host permits. Empty: auto.
	Backend string
	// Loops is how many threads move packets. Zero: one per processor that the
	// process may use.
	Loops int
	// ReceiveBuffer is the receive buffer in octets, of each port (portable) or of
	// each thread (steer). Zero: the system's, 16 MiB.
	ReceiveBuffer int
	// Initial ends a session in which no packet has come from either side for
	// that long after the answer. Configured default 30s. Zero: never.
	Initial time.Duration
	// Silent ends a session from whose both sides nothing has come for that
	// long. Configured default 60s. Zero: never.
	Silent time.Duration
	// Hold counts instead of Initial and Silent while a side is on hold.
	// Configured default 1h. Zero: never.
	Hold time.Duration
	// OneWay ends a session of which one side is not heard for that long while the
	// other one sends, after the answer and not on hold. Zero: never.
	OneWay time.Duration
	// Drain is how long the ports of a released session rest before reuse.
	// Configured default 1s. Zero: they are reused at the next sweep.
	Drain time.Duration
	// MaxPlaying bounds the prompts and tones that are played at a time. Zero: 500.
	MaxPlaying int
}

const (
	defaultPortMin = 10000
	defaultPortMax = 32767
	portsPerCall   = 4

	defaultMaxPlaying = 500
)

// Errors of this package. They are wrapped with what was tried.
var (
	// ErrPortsExhausted says that all ports are in use or resting.
	ErrPortsExhausted = errors.New("media ports exhausted")
	// ErrBind says that ports are free but the system would not give them.
	ErrBind = errors.New("binding media ports failed")
	// ErrRemote says that an address or value in a Remote cannot be used.
	ErrRemote = errors.New("unusable remote")
	// ErrClosed says that the relay is closed or the session released.
	ErrClosed = errors.New("media closed")
)

// checked returns the configuration with its defaults filled in.
func (c Config) checked() (Config, error) {
	if c.PortMin == 0 && c.PortMax == 0 {
		c.PortMin, c.PortMax = defaultPortMin, defaultPortMax
	}
	if c.MaxPlaying == 0 {
		c.MaxPlaying = defaultMaxPlaying
	}
	if c.Loops == 0 {
		c.Loops = runtime.GOMAXPROCS(0)
	}
	c.Addr, c.Advertise = c.Addr.Unmap(), c.Advertise.Unmap()
	if !c.Advertise.IsValid() {
		c.Advertise = c.Addr
	}
	switch {
	case !c.Addr.IsValid():
		return c, errors.New("media address is missing")
	case c.Advertise.IsUnspecified():
		return c, fmt.Errorf("media address %v needs an advertised address", c.Addr)
	case c.Addr.Zone() != "" || c.Addr.IsMulticast() || c.Advertise.IsMulticast():
		return c, fmt.Errorf("media address %v must be a unicast address without a zone", c.Addr)
	case c.Addr.Is4() != c.Advertise.Is4():
		return c, fmt.Errorf("media address %v and advertised address %v differ in IP version", c.Addr, c.Advertise)
	case countPairs(c.PortMin, c.PortMax) < portsPerCall/2:
		return c, fmt.Errorf("media ports %d-%d hold no call: it takes two pairs of an even port and the next", c.PortMin, c.PortMax)
	case c.Loops < 0 || c.ReceiveBuffer < 0 || c.Initial < 0 || c.Silent < 0 || c.Hold < 0 || c.OneWay < 0 || c.Drain < 0 || c.MaxPlaying < 0:
		return c, errors.New("media loops, buffer, durations and prompts must not be negative")
	}
	return c, nil
}
