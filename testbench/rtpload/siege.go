package rtpload

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"maskline/testbench/rtp"
)

// Siege is an attack on all calls of a load.
type Siege struct {
	// Relay is the address at which the relay's ports are; RTP has the even ones of
	// PortMin to PortMax. All of them are sprayed from the beginning. Required.
	Relay            netip.Addr
	PortMin, PortMax uint16
	// Rate of each attacker, packets per second. Zero: 5000.
	Rate int
	// Lead is how long before the first call it begins. Zero: 1s.
	Lead time.Duration
	// Strangers are the addresses of those who attack from the beginning, and once
	// the calls stand with the ports and SSRCs of each. Empty: 127.0.0.66.
	Strangers []netip.Addr
	// Neighbours attack from the addresses of the parties and other ports, with the
	// parties' SSRCs, once these talk.
	Neighbours bool
	// Early lets them begin in the pause, when nobody has talked yet.
	Early bool
	// Pause is how long the parties are silent after all calls were connected: the
	// attackers' best moment. Zero: 1s.
	Pause time.Duration
}

// Attacked is what an attack came to.
type Attacked struct {
	Sent     int `json:"sent"`
	Received int `json:"received"` // datagrams that reached an attacker
	Stolen   int `json:"stolen"`   // of them, those of the parties
}

const siegeRate = 5000

func (s *Siege) fill() error {
	if s.Rate == 0 {
		s.Rate = siegeRate
	}
	if s.Lead == 0 {
		s.Lead = time.Second
	}
	if s.Pause == 0 {
		s.Pause = time.Second
	}
	if len(s.Strangers) == 0 {
		s.Strangers = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 66})}
	}
	if !s.Relay.IsValid() || s.PortMin == 0 || s.PortMax <= s.PortMin {
		return errors.New("an attack needs the relay's address and ports")
	}
	return nil
}

// Besiege connects calls under attack and lets them talk for a while.
func (l *Load) Besiege(ctx context.Context, calls int, last time.Duration, siege Siege) (Report, error) {
	if err := siege.fill(); err != nil {
		return Report{}, err
	}
	attack, lift := context.WithCancel(ctx)
	defer lift()
	a := &attackers{ctx: attack, siege: siege}
	for _, from := range siege.Strangers {
		a.spray(from, siege.everyPort())
	}
	err := l.hold(ctx, a, calls, last)
	r := l.Stop(ctx) // the attack goes on
	lift()
	a.work.Wait()
	r.Attack = &a.done
	return r, errors.Join(err, a.err)
}

// hold takes the calls through the three phases.
func (l *Load) hold(ctx context.Context, a *attackers, calls int, last time.Duration) error {
	if err := wait(ctx, a.siege.Lead); err != nil {
		return err
	}
	if _, err := l.Connect(ctx, calls); err != nil {
		return err
	}
	atA, atB := l.ports()
	both := target{append(append([]netip.AddrPort{}, atA.ports...), atB.ports...), append(append([]uint32{}, atA.ssrc...), atB.ssrc...)}
	for _, from := range a.siege.Strangers {
		a.spray(from, both)
	}
	neighbours := func() {
		a.spray(l.cfg.A, atA)
		a.spray(l.cfg.B, atB)
	}
	if a.siege.Neighbours && a.siege.Early {
		neighbours()
	}
	if err := wait(ctx, a.siege.Pause); err != nil {
		return err
	}
	l.Talk()
	if err := l.heard(ctx); err != nil {
		return err
	}
	if a.siege.Neighbours && !a.siege.Early {
		neighbours()
	}
	return wait(ctx, last)
}

// heard waits until each party has heard the other, or could have by far.
func (l *Load) heard(ctx context.Context) error {
	for end := time.Now().Add(100 * l.cfg.Interval); time.Now().Before(end); {
		deaf := 0
		for _, c := range l.calls {
			if c.a.Report().Received == 0 || c.b.Report().Received == 0 {
				deaf++
			}
		}
		if deaf == 0 {
			return nil
		}
		if err := wait(ctx, l.cfg.Interval); err != nil {
			return err
		}
	}
	return nil
}

// target is what an attacker sends to, each port with an SSRC of its own.
type target struct {
	ports []netip.AddrPort
	ssrc  []uint32
}

// everyPort is all that could be a call's, before there are any.
func (s *Siege) everyPort() (t target) {
	for port := int(s.PortMin); port <= int(s.PortMax); port++ {
		t.ports = append(t.ports, netip.AddrPortFrom(s.Relay, uint16(port)))
	}
	return t
}

// ports are those of the calls, RTP and RTCP, by the party that they face.
func (l *Load) ports() (a, b target) {
	for _, c := range l.calls {
		a.add(c.at.A, c.a.SSRC())
		b.add(c.at.B, c.b.SSRC())
	}
	return a, b
}

func (t *target) add(at netip.AddrPort, ssrc uint32) {
	t.ports = append(t.ports, at, netip.AddrPortFrom(at.Addr(), at.Port()+1))
	t.ssrc = append(t.ssrc, ssrc, ssrc)
}

// attackers are those that attack now.
type attackers struct {
	ctx   context.Context
	siege Siege
	work  sync.WaitGroup

	mu   sync.Mutex
	done Attacked
	err  error
}

// spray adds one that attacks until all are told to end.
func (a *attackers) spray(from netip.Addr, t target) {
	a.work.Go(func() {
		done, err := rtp.Spray(a.ctx, rtp.Attack{From: netip.AddrPortFrom(from, 0), Targets: t.ports, SSRC: t.ssrc, Rate: a.siege.Rate})
		a.mu.Lock()
		defer a.mu.Unlock()
		a.done.Sent += done.Sent
		a.done.Received += done.Received
		a.done.Stolen += done.Stolen
		a.err = errors.Join(a.err, err)
	})
}
