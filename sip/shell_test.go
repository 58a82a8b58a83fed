package sip

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/testbench/await"
)

func TestStackHoldsNoArguments(t *testing.T) {
	stack := "goroutine 1 [running]:\nmain.f({0x1, 0x2}, \"+447700900001\")\n\t/home/x/main.go:5 +0x1\nmain.(*T).g(...)\n\t/home/x/main.go:9\n"
	got := strings.Join(functions([]byte(stack)), " ")
	if got != "main.f main.(*T).g" {
		t.Fatal(got)
	}
}

// TestMailboxOrder posts from many goroutines: each one's events stay in order,
// and only one is handled at a time.
func TestMailboxOrder(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	_ = d
	a := b.edge.calls.all()[0]
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 500 {
				a.post(evTick{})
				a.post(evRepeated{})
			}
		})
	}
	work.Wait()
	eventually(t, "the mailbox is empty", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return !a.running && len(a.mailbox) == 0
	})
	b.hangUp(b.caller, d)
}

// TestFloodInACall has one goroutine held up at a call's event while another one
// brings messages: few of them wait, and whoever brings them does.
func TestFloodInACall(t *testing.T) {
	b := newBed(t, nil)
	b.connect(b.caller, "one")
	a := b.edge.calls.all()[0]
	state := func() (running bool, waiting int) {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.running, len(a.mailbox)
	}
	b.media.mu.Lock() // the call's end waits for it
	var both sync.WaitGroup
	both.Go(func() { a.post(evEnd{"test"}) })
	eventually(t, "it is held up", func() bool { running, _ := state(); return running })
	both.Go(func() {
		for range 20 * mostWaiting {
			a.deliver(evRepeated{})
			if _, waiting := state(); waiting > mostWaiting {
				t.Errorf("%d messages wait", waiting)
				return
			}
		}
	})
	eventually(t, "messages wait", func() bool { _, waiting := state(); return waiting >= mostWaiting })
	b.media.mu.Unlock()
	both.Wait()
	if running, waiting := state(); running || waiting > 0 {
		t.Errorf("%d messages are left", waiting)
	}
}

// TestSendingFails has the system refuse to send, as it does where its tables are
// full for a moment. An INVITE turns to the next candidate; all else is repeated.
func TestSendingFails(t *testing.T) {
	b := newBed(t, nil)
	b.connect(b.caller, "one")
	a := b.edge.calls.all()[0]
	for method, want := range map[string]bool{"INVITE": true, "BYE": false, "CANCEL": false} {
		act := actSend{trunk: b.edge.set().list[1], to: netip.MustParseAddrPort("[::1]:5060"), data: []byte("x"), method: method}
		if got := a.send(act) != nil; got != want {
			t.Errorf("%s: told of as unreachable: %v", method, got)
		}
	}
}

// TestManyCalls opens calls from several sockets at once, and leaves nothing behind.
func TestManyCalls(t *testing.T) {
	b := newBed(t, func(c *Config) {
		for i := range c.Trunks {
			c.Trunks[i].FirstResponse, c.Trunks[i].Trying = 5*time.Second, 5*time.Second
		}
	})
	const callers, each = 4, 25
	answering := make(chan struct{})
	go func() {
		defer close(answering)
		callee := b.callees[0]
		for ended := 0; ended < callers*each; {
			text := callee.receive(10 * time.Second)
			switch {
			case text == "":
				return
			case strings.HasPrefix(text, "INVITE "):
				callee.send(callee.reply(text, 200, callee.sdp()))
			case strings.HasPrefix(text, "BYE "):
				callee.send(callee.reply(text, 200, ""))
				ended++
			}
		}
	}()
	var work sync.WaitGroup
	for i := range callers {
		p := newPeer(t, "127.0.0.1")
		p.edge = b.addr
		work.Go(func() {
			for j := range each {
				p.send(p.invite(string(rune('a'+i)) + string(rune('a'+j))))
				answer := p.expect("SIP/2.0 200")
				p.send(p.inDialog("ACK", answer, 1))
				p.send(p.inDialog("BYE", answer, 2))
				p.expect("SIP/2.0 200")
			}
		})
	}
	work.Wait()
	<-answering
	eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 && b.count("channels") == 0 })
	allocated, released := b.media.counts()
	if allocated != callers*each || released != allocated {
		t.Errorf("%d allocated, %d released", allocated, released)
	}
	if got := b.count("panics_total"); got != 0 {
		t.Errorf("%v panics", got)
	}
}

// TestFaultWhileActing has a fault of ours strike when the call itself has ended and
// half of what that asks for is done.
func TestFaultWhileActing(t *testing.T) {
	b := newBed(t, nil)
	b.caller.send(b.caller.invite("one"))
	b.callees[0].expect("INVITE ")
	a := b.edge.calls.all()[0]
	a.mu.Lock()
	for a.running { // the INVITE is still being worked off
		a.idle.Wait()
	}
	a.call.a.trunk = &trunk{} // no state: sending to it panics
	a.call.a.from = a.trunk.addr.Addr()
	a.mu.Unlock()
	a.post(evEnd{"drain"})
	for _, tr := range b.edge.Trunks() {
		if tr.Channels != 0 {
			t.Errorf("%s has %d calls", tr.Name, tr.Channels)
		}
	}
	if n := b.edge.ActiveCalls(); n != 0 {
		t.Errorf("%d calls", n)
	}
	if got := b.count("calls_total", "why", "panic"); got != 1 {
		t.Errorf("%v calls ended by a fault", got)
	}
}

// TestFaultWhileRescuing has further faults strike while a call with a fault is
// ended: in what it gives back, and in who takes its media and its record.
func TestFaultWhileRescuing(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Records = faultyRecords{} })
	b.caller.send(b.caller.invite("one"))
	b.callees[0].expect("INVITE ")
	a := b.edge.calls.all()[0]
	a.mu.Lock()
	for a.running { // the INVITE is still being worked off
		a.idle.Wait()
	}
	engaged := a.engaged[SideB]
	a.call.a.trunk = &trunk{} // no state: sending to it panics
	a.call.a.from = a.trunk.addr.Addr()
	a.engaged[SideB] = a.call.a.trunk
	a.media = faultyMedia{a.media}
	a.mu.Unlock()
	a.post(evEnd{"drain"})
	engaged.leave()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		for range 2 * mostWaiting {
			a.deliver(evRepeated{})
		}
	}()
	await.From(t, 10*time.Second, "the end of who brings messages", delivered)
	if n, standing := b.edge.ActiveCalls(), len(b.edge.calls.all()); n != 0 || standing != 0 {
		t.Errorf("%d calls, %d in memory", n, standing)
	}
	for _, tr := range b.edge.Trunks() {
		if tr.Channels != 0 {
			t.Errorf("%s has %d calls", tr.Name, tr.Channels)
		}
	}
	if got := b.count("panics_total"); got != 4 {
		t.Errorf("%v faults", got)
	}
	b.connect(b.tenant, "two") // the socket is read
}

type faultyRecords struct{}

func (faultyRecords) Add(*Record) { panic("as told") }
func (faultyRecords) Full() bool  { return false }

// faultyMedia panics where its ports are given back.
type faultyMedia struct{ MediaSession }

func (m faultyMedia) Release() MediaStats {
	m.MediaSession.Release()
	panic("as told")
}

// TestFaultOutsideTheRescue has a fault reach whoever works a mailbox off: nobody
// else waits for him.
func TestFaultOutsideTheRescue(t *testing.T) {
	a := &actor{edge: &Edge{}} // no clock and no log: judging an event panics, and so does the rescue
	a.idle.L = &a.mu
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no fault")
			}
		}()
		a.post(evTick{})
	}()
	if !a.mu.TryLock() {
		t.Fatal("the mailbox is locked")
	}
	defer a.mu.Unlock()
	if a.running || len(a.mailbox) > 0 {
		t.Error("it looks as if somebody worked it off")
	}
}
