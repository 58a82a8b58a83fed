package sip

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestReloadsWithoutEnd changes trunks all the time, while calls come and go,
// probes and registrations are under way and metrics are read: no call is refused.
func TestReloadsWithoutEnd(t *testing.T) {
	b := newBed(t, func(c *Config) {
		c.Trunks[2].AuthOut.Username, c.Trunks[2].AuthOut.Password = "u", "p"
		c.Trunks[2].Probe.Every = 20 * time.Millisecond
		c.Trunks[1].FirstResponse, c.Trunks[1].Trying = 5*time.Second, 5*time.Second // no failover on a busy machine
		for i := range 200 {                                                         // make a reload take its time
			c.Trunks = append(c.Trunks, TrunkConfig{Name: fmt.Sprint("idle", i), Carrier: "alfa", Allow: prefixes("192.0.2.0/24"), Probe: Probe{Every: -1}})
		}
	})
	standing := b.connect(b.caller, "standing")
	done := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			b.reload(func(c *Config) {
				for i := range c.Trunks {
					c.Trunks[i].CPS = 1000 + n
				}
				c.Trunks[2].Register.Enabled = n%2 == 0
			})
		}
	})
	work.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				b.count("trunk_registered_seconds")
			}
		}
	})
	for i := range 60 {
		b.hangUp(b.caller, b.connect(b.caller, fmt.Sprint("call", i)))
	}
	close(done)
	work.Wait()
	b.hangUp(b.caller, standing)
	if got := b.count("calls_total", "why", "reload") + b.count("panics_total"); got != 0 {
		t.Errorf("%v calls refused, or panics", got)
	}
}

// TestCallInTheMiddleOfAReload has a call be routed after its trunk was marked and
// before the new one is there.
func TestCallInTheMiddleOfAReload(t *testing.T) {
	b := newBed(t, nil)
	standing := b.connect(b.caller, "standing")
	out := b.edge.set().byName["out0"]
	b.edge.changing.Lock()
	out.retired.Store(uint32(replaced))
	b.caller.send(b.caller.invite("one"))
	b.caller.expect("SIP/2.0 100")
	b.caller.silence()
	out.retired.Store(uint32(current))
	b.edge.changing.Unlock()
	b.callees[0].expect("INVITE ")
	b.hangUp(b.caller, standing)
}
