package media

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"
)

// Config says where the relay listens and how patient it is.
type Config struct {
	// Addr is the local address on which ports are bound. Required. It may be
	// unspecified (0.0.0.0 or ::) only where Advertise is set.
	Addr netip.Addr
	// Advertise is the address that peers are told. Zero: Addr.
	Advertise netip.Addr
	// Others are further addresses, of another network or IP version, each with
	// the whole range of ports. Empty: Addr alone.
	Others []Address
	// PortMin and PortMax bound the ports, both inclusive. Both zero:
	// 10000-32767. A session takes four ports.
	PortMin, PortMax uint16
	// Backend is "portable", "steer" or "kernel" (both need CAP_BPF, CAP_NET_ADMIN
	// and CAP_NET_RAW), or "auto": the fastest that the host permits. Empty: auto.
	Backend string
	// Loops is how many threads move packets. Zero: one per processor that the
	// process may use, GOMAXPROCS at most.
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
	// Relatch is the silence of a side after which another port of the address that
	// it sent from takes over with the same SSRC, without a word of signalling; a
	// minute at most. Configured default 0. Zero: never.
	Relatch time.Duration
	// Drain is how long the ports of a released session rest before reuse.
	// Configured default 1s. Zero: they are reused at the next sweep.
	Drain time.Duration
	// Connections is how many the rest of the process may have open; the portable
	// backend, whose ports are many, sees to it that the limit of open files has room
	// for them too. Zero: none.
	Connections int
	// MaxPlaying bounds the prompts and tones that are played at a time. Zero: 500.
	MaxPlaying int
	// MaxRecordings bounds the sessions that are recorded at a time, each with a
	// queue of some 200 KiB. Zero: 100.
	MaxRecordings int
}

// Address is one of the host's on which ports are bound, and the one that peers
// are told instead; a zero Advertise: Addr.
type Address struct{ Addr, Advertise netip.Addr }

const (
	defaultPortMin = 10000
	defaultPortMax = 32767
	portsPerCall   = 4

	defaultMaxPlaying    = 500
	defaultMaxRecordings = 100

	mostRelatch = time.Minute
)

// Errors of this package. They are wrapped with what was tried.
var (
	// ErrPortsExhausted says that all ports are in use or resting.
	ErrPortsExhausted = errors.New("media ports exhausted")
	// ErrBind says that ports are free but the system would not give them.
	ErrBind = errors.New("binding media ports failed")
	// ErrRemote says that an address or value in a Remote cannot be used.
	ErrRemote = errors.New("unusable remote")
	// ErrAddress says that a side was to get an address that the relay has not.
	ErrAddress = errors.New("no such media address")
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
	if c.MaxRecordings == 0 {
		c.MaxRecordings = defaultMaxRecordings
	}
	if c.Loops == 0 {
		c.Loops = min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	}
	if err := c.checkAddresses(); err != nil {
		return c, err
	}
	switch {
	case countPairs(c.PortMin, c.PortMax) < portsPerCall/2:
		return c, fmt.Errorf("media ports %d-%d hold no call: it takes two pairs of an even port and the next", c.PortMin, c.PortMax)
	case c.Loops < 0 || c.ReceiveBuffer < 0 || c.Initial < 0 || c.Silent < 0 || c.Hold < 0 || c.OneWay < 0 || c.Relatch < 0 || c.Drain < 0 || c.MaxPlaying < 0 || c.MaxRecordings < 0:
		return c, errors.New("media loops, buffer, durations, prompts and recordings must not be negative")
	case c.Relatch > mostRelatch:
		return c, fmt.Errorf("media relatch is above %v, up to which silence is measured", mostRelatch)
	}
	return c, nil
}

// addresses are all that the relay has, the first one first.
func (c *Config) addresses() []Address {
	return append([]Address{{c.Addr, c.Advertise}}, c.Others...)
}

// at is the configuration as it is for the address at place i.
func (c *Config) at(i int) Config {
	own, all := *c, c.addresses()
	own.Addr, own.Advertise = all[i].Addr, all[i].Advertise
	own.Others = slices.Delete(all, i, i+1)
	return own
}

// checkAddresses fills in what is advertised.
func (c *Config) checkAddresses() error {
	all := c.addresses()
	for i := range all {
		if err := all[i].check(); err != nil {
			return err
		}
		for _, other := range all[:i] {
			if other.Addr == all[i].Addr || other.Advertise == all[i].Advertise {
				return fmt.Errorf("media address %v is there twice", all[i].Addr)
			}
		}
	}
	c.Addr, c.Advertise, c.Others = all[0].Addr, all[0].Advertise, all[1:]
	return nil
}

func (a *Address) check() error {
	a.Addr, a.Advertise = a.Addr.Unmap(), a.Advertise.Unmap()
	if !a.Advertise.IsValid() {
		a.Advertise = a.Addr
	}
	switch {
	case !a.Addr.IsValid():
		return errors.New("media address is missing")
	case a.Advertise.IsUnspecified():
		return fmt.Errorf("media address %v needs an advertised address", a.Addr)
	case a.Addr.Zone() != "" || a.Addr.IsMulticast() || a.Advertise.IsMulticast():
		return fmt.Errorf("media address %v must be a unicast address without a zone", a.Addr)
	case a.Addr.Is4() != a.Advertise.Is4():
		return fmt.Errorf("media address %v and advertised address %v differ in IP version", a.Addr, a.Advertise)
	}
	return nil
}

// owns reports whether a peer that is sent to there would be a port of ours.
func (c *Config) owns(a netip.AddrPort) bool {
	return a.Port() >= c.PortMin && a.Port() <= c.PortMax &&
		slices.ContainsFunc(c.addresses(), func(own Address) bool { return a.Addr() == own.Addr || a.Addr() == own.Advertise })
}
