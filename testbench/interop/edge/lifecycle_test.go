//go:build peers

package edge

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"maskline/smpp/pdu"
	"maskline/testbench/await"
	"maskline/testbench/smppsim"
)

// draining is a bed with a call up and a message in flight that was told to
// end.
type draining struct {
	*bed
	caller, callee *leg
	answered       chan pdu.Status // the message's
}

func startDraining(t *testing.T, s settings) *draining {
	t.Helper()
	b := newBed(t)
	caller, callee := newPhone(t, "charlie"), newPhone(t, "delta")
	s.carriers = caller.carrier() + callee.carrier()
	b.start(s)
	caller.edge, callee.edge = b.edge.Listeners().SIP[0], b.edge.Listeners().SIP[0]
	b.imports(bindings + hostileBindings)
	d := &draining{bed: b, answered: make(chan pdu.Status, 1)}
	d.caller = caller.dial(guest, guestDials)
	d.callee = callee.ring(driver)
	d.callee.answer()
	d.caller.answered()
	b.alfa.smsc.SetMode(smppsim.Late)
	before := len(b.alfa.smsc.Tap.Frames())
	go func() {
		status, _ := b.bravo.smsc.Deliver(t.Context(), digits(rider), digits(riderDials), "on my way")
		d.answered <- status
	}()
	b.eventually("the message is in flight", func() bool { return len(b.alfa.smsc.Tap.Frames()) > before })
	if err := b.edge.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.eventually("the edge says that it drains", func() bool {
		status, body, err := b.edge.Get(t.Context(), "/readyz")
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(string(body), `"draining": true`)
	})
	return d
}

// finished takes the answer of the message in flight.
func (d *draining) finished() pdu.Status {
	d.t.Helper()
	d.alfa.smsc.SetMode(smppsim.Accept)
	return await.From(d.t, patience, "an answer to the message in flight", d.answered)
}

func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	d := startDraining(t, settings{drainSMS: "20s", drainCalls: "20s"})
	if status := d.deliver(d.bravo, rider, riderDials, "too late"); status != pdu.RxTAppn {
		t.Errorf("a new message was answered 0x%02X, not with the carrier's temporary status", uint32(status))
	}
	d.caller.p.dial(guest, guestDials).refused(503)
	if status := d.finished(); status != pdu.ROK {
		t.Errorf("the message in flight was answered 0x%02X", uint32(status))
	}
	voice := voicePacket(1, "still talking ")
	if _, err := d.caller.p.rtp.WriteToUDPAddrPort(voice, d.caller.toEdge); err != nil {
		t.Fatal(err)
	}
	if got := received(d.callee.p.rtp, 1); len(got) != 1 {
		t.Errorf("%d packets passed on the call that goes on", len(got))
	}
	if d.edge.Ended() {
		t.Fatal("the edge has ended with a call up")
	}
	d.caller.bye()
	d.callee.hungUp()
	if code, err := d.edge.Wait(drainEnd / 2); err != nil || code != 0 { // long before the 20 s are over
		t.Fatalf("%v, code %d", err, code)
	}
}

func TestDrainEndsCallsInTime(t *testing.T) {
	d := startDraining(t, settings{drainSMS: "3s", drainCalls: "3s"})
	d.caller.hungUp()
	d.callee.hungUp()
	if code, err := d.edge.Wait(drainEnd); err != nil || code != 0 {
		t.Fatalf("%v, code %d", err, code)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	d := startDraining(t, settings{drainSMS: "10m", drainCalls: "10m"})
	if err := d.edge.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := d.edge.Wait(patience); err != nil || code != 1 {
		t.Fatalf("%v, code %d", err, code)
	}
	<-d.answered // the connection is gone
}

func TestHangupSignalReloads(t *testing.T) {
	b := newBed(t)
	b.start(settings{})
	b.imports(bindings)
	if err := b.edge.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.eventually("the log tells that the file was applied", func() bool { return strings.Contains(string(b.log()), "reloaded") })
	b.spoilConfig()
	if err := b.edge.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.eventually("the log tells of a broken file", func() bool {
		return strings.Contains(string(b.log()), "not reloaded; what runs is unchanged")
	})
	b.healthy()
	b.stop()
}
