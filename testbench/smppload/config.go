package smppload

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// Role is how an end comes by its binds.
type Role uint8

// The roles.
const (
	Absent Role = iota // this end is somebody else's
	ESME               // we bind to Addr; messages leave as submit_sm
	SMSC               // we listen on Addr; messages leave as deliver_sm
)

// Side is one end.
type Side struct {
	Role     Role
	Addr     string // "host:port": of the peer, or to listen on, where port 0 is the kernel's choice
	SystemID string // an ESME's; an SMSC lets everybody bind
	Password string
	Binds    int // an ESME makes so many; an SMSC waits for so many; 0: 1
}

// Faults is what a receiving end does to the messages that it gets: shares
// from 0 to 1, of all messages together at most 1.
type Faults struct {
	Throttle float64 // answered ESME_RTHROTTLED
	Errors   float64 // answered ErrorStatus
	Silence  float64 // never answered
	Delay    float64 // answered DelayBy later
	Reset    float64 // the connection is reset instead of an answer
	Close    float64 // the connection is closed instead of an answer
	Stall    float64 // accepted; then nothing is read for StallFor

	ErrorStatus uint32        // 0: ESME_RSYSERR
	DelayBy     time.Duration // 0: 500 ms
	StallFor    time.Duration // 0: 3 s
}

// Config says what to play.
type Config struct {
	In   Side   // sends the messages
	Outs []Side // receive them; none, where the peer's own end does

	Plan     *Plan         // whose messages; nil: a thousand generated bindings
	Unmasked bool          // messages must arrive with the addresses that they were sent with
	Messages int           // in all; 0: until Duration has passed
	Duration time.Duration // of sending; 0: until Messages were sent
	Rate     int           // messages per second, all binds together; 0: as many as the windows allow
	Window   int           // unanswered messages of one bind; 0: 10
	Parts    int           // segments of each message; 0 and 1: none
	Text     int           // octets of each text; 0: 120
	Again    time.Duration // when a message that was answered "temporary" is sent again; 0: never
	Receipts bool          // ask for receipts, and send those that are asked for
	Faults   Faults        // of every receiving end at first
	Seed     uint64        // of everything left to chance
	Settle   time.Duration // how long the last answers and messages may take; 0: 10 s
	BindWait time.Duration // how long the first binds may take; 0: 30 s
	Buffer   int           // octets of a connection's read buffer; 0: 64 KiB
}

const (
	defaultWindow = 10
	defaultText   = 120
	maxParts      = 255
	maxBinds      = 4096
	maxWindow     = 100_000
	udhLen        = 6
	maxText       = 254
)

func (c *Config) fill() {
	setDefault(&c.Window, defaultWindow)
	setDefault(&c.Text, defaultText)
	setDefault(&c.Parts, 1)
	setDefault(&c.Settle, 10*time.Second)
	setDefault(&c.BindWait, 30*time.Second)
	setDefault(&c.Buffer, 64<<10)
	setDefault(&c.In.Binds, 1)
	c.Outs = append([]Side(nil), c.Outs...)
	for i := range c.Outs {
		setDefault(&c.Outs[i].Binds, 1)
	}
	if c.Plan == nil {
		c.Plan = Generate(1000)
	}
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// check lists every contradiction.
func (c *Config) check() error {
	var all []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	wrong(c.In.Role == Absent && len(c.Outs) == 0, "there is no end to play")
	for _, s := range append([]Side{c.In}, c.Outs...) {
		_, err := netip.ParseAddrPort(s.Addr)
		wrong(s.Role != Absent && err != nil, "an end needs an IP address and a port")
		wrong(s.Binds < 1 || s.Binds > maxBinds, "an end has 1 to %d binds", maxBinds)
	}
	for _, s := range c.Outs {
		wrong(s.Role == Absent, "a receiving end needs a role")
	}
	wrong(c.In.Role != Absent && c.Messages == 0 && c.Duration == 0, "sending needs a number of messages or a duration")
	wrong(c.Messages < 0 || c.Messages > maxMessages, "the number of messages is up to %d", maxMessages)
	wrong(c.Rate < 0 || c.Duration < 0 || c.Again < 0, "rate and times are not negative")
	wrong(c.Window < 1 || c.Window > maxWindow, "the window is 1 to %d", maxWindow)
	wrong(c.Parts < 1 || c.Parts > maxParts, "a message has 1 to %d parts", maxParts)
	wrong(c.Parts > c.Window, "the window is smaller than a message of %d parts", c.Parts)
	header := 0
	if c.Parts > 1 {
		header = udhLen
	}
	wrong(c.Text < tagLen || c.Text+header > maxText, "the text has %d to %d octets", tagLen, maxText-header)
	wrong(c.Receipts && c.In.Role == SMSC, "receipts go to an ESME that sends")
	if err := c.Faults.check(); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (f *Faults) check() error {
	sum := 0.0
	for _, share := range []float64{f.Throttle, f.Errors, f.Silence, f.Delay, f.Reset, f.Close, f.Stall} {
		if !(share >= 0 && share <= 1) || math.IsNaN(share) {
			return errors.New("a fault's share is from 0 to 1")
		}
		sum += share
	}
	if sum > 1 {
		return errors.New("the faults' shares are more than 1 together")
	}
	return nil
}
