//go:build peers

package edge

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/capture"
	"maskline/testbench/exchange"
	"maskline/testbench/loopback"
	"maskline/testbench/smppsim"
)

// The whole edge at work, recorded by tshark: nobody's real number in anything
// that went to somebody else, was logged, measured or told.
func TestNothingLeaks(t *testing.T) {
	b := newBed(t)
	caller, callee, desk := newPhone(t, "charlie"), newPhone(t, "delta"), newPhone(t, "desk")
	recorder, err := capture.Start(t.Context(), filepath.Join(b.dir, "sent.pcap"), b.ip)
	if err != nil {
		t.Fatal(err)
	}
	b.start(settings{
		carriers: caller.carrier() + callee.carrier(), peers: desk.pbx(),
		accounts: "    - {system_id: outlet, password: demo, tenant: shop}\n    - {system_id: charlie-in, password: demo, carrier: charlie}\n",
	})
	caller.edge, callee.edge = b.edge.Listeners().SIP[0], b.edge.Listeners().SIP[0]
	desk.edge = b.edge.Listeners().SIP[0]
	b.imports(bindings + hostileBindings + desk.binding() + `+442079460044,*,smpp:outlet,+442079460044,sms,,,shop
`)
	b.messages()
	b.refusedMessages()
	b.failedOverMessages()
	b.texts(caller, desk)
	b.calls()
	gossipingCalls(t, caller, callee)

	j := newJudge(b)
	j.told()
	b.stop()
	j.text("log", b.log())
	records := recordFiles(t, filepath.Join(b.dir, "cdr"), ".jsonl")
	j.text("record", records)
	if n := len(readRecords(t, records)); n < 5 {
		t.Errorf("only %d calls were recorded", n)
	}
	recording, err := recorder.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.recording(recording)
	for _, f := range j.found {
		t.Error(f)
	}
	for kind, least := range map[string]int{"SMPP to an account": 8, "SMPP to a carrier": 20, "SIP": 45, "RTP": 50, "RTCP": 2, "HTTP": 4} {
		if j.seen[kind] < least {
			t.Errorf("only %d frames of %s were judged", j.seen[kind], kind)
		}
	}
	t.Logf("judged: %v", j.seen)
}

// messages go in all four directions, with a receipt for those of accounts.
func (b *bed) messages() {
	b.t.Helper()
	shop, outlet := b.bind("shop"), b.bind("outlet")
	want := func(status pdu.Status) {
		b.t.Helper()
		if status != pdu.ROK {
			b.t.Fatalf("a message was answered 0x%02X", uint32(status))
		}
	}
	want(b.deliver(b.alfa, rider, riderDials, "at the north gate"))
	want(b.deliver(b.bravo, driver, driverDials, strings.Repeat("Grüße aus Ulm ✓ ", 20)))
	want(b.deliver(b.bravo, customer, shopNumber, "are you open?"))
	b.submit(shop, shopNumber, customer, "yes, until eight")
	b.submit(outlet, outletShows, shopNumber, "we are out of stock")
	b.eventually("all has arrived", func() bool {
		return len(shop.Delivered()) == 2 && len(shop.Receipts()) == 1 && len(outlet.Receipts()) == 1
	})
	b.gossipingMessage()
}

// gossipingMessage comes from a carrier that binds to us and puts the sender's
// number wherever SMPP has room for one.
func (b *bed) gossipingMessage() {
	b.t.Helper()
	w := b.bindWire(loopback.Addr(), "charlie-in")
	number := digits(guest)
	m := pdu.Message{
		Source:      pdu.Address{TON: 1, NPI: 1, Digits: []byte(number)},
		Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(digits(shopNumber))},
		ServiceType: []byte("VMN"), ShortMessage: []byte("hello"),
	}
	for _, tag := range []pdu.Tag{callbackNum, callbackNumATag, sourceSubaddress, additionalStatusInfo, vendorTag} {
		m.TLVs = pdu.AppendTLV(m.TLVs, tag, append([]byte{1, 1, 1}, number...))
	}
	frame, err := m.Append(nil, pdu.SubmitSM, 2)
	if err != nil {
		b.t.Fatal(err)
	}
	w.write(frame)
	w.expect(pdu.SubmitSMResp, pdu.ROK)
}

// SMPP 3.4 §5.3.2
const (
	sourceSubaddress     pdu.Tag = 0x0202
	additionalStatusInfo pdu.Tag = 0x001D
	callbackNum          pdu.Tag = 0x0381
	callbackNumATag      pdu.Tag = 0x0303
	vendorTag            pdu.Tag = 0x1401
)

// refusedMessages are those of a stranger, to no mask, and from a mask that is
// not the sender's.
func (b *bed) refusedMessages() {
	b.t.Helper()
	for _, to := range []e164.Number{riderDials, driver} {
		if status := b.deliver(b.alfa, stranger, to, "who is this?"); status != pdu.RxPAppn {
			b.t.Fatalf("a stranger was answered 0x%02X", uint32(status))
		}
	}
	outlet := b.bind("outlet")
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	if _, status, err := outlet.Submit(ctx, digits(rider), digits(driver), "hello"); err != nil || status == pdu.ROK {
		b.t.Fatalf("a message from nobody's mask: %v, status 0x%02X", err, uint32(status))
	}
}

func (b *bed) failedOverMessages() {
	b.t.Helper()
	for _, mode := range []smppsim.Mode{smppsim.Throttle, smppsim.Gone} {
		b.alfa.smsc.SetMode(mode)
		b.eventually("a message passes by way of bravo", func() bool {
			return b.deliver(b.bravo, rider, riderDials, "another way") == pdu.ROK
		})
	}
	b.alfa.smsc.SetMode(smppsim.Accept)
	b.awaitCarriers()
}

// calls are answered, failed over, refused and let ring.
func (b *bed) calls() {
	b.t.Helper()
	const talk = 300 * time.Millisecond
	modes := func(alfa, bravo exchange.Mode) {
		b.alfa.exchange.SetMode(alfa)
		b.bravo.exchange.SetMode(bravo)
	}
	for _, c := range []struct {
		alfa, bravo exchange.Mode
		from        e164.Number
		code        int
	}{
		{exchange.Answer, exchange.Answer, rider, 0},
		{exchange.Unavailable, exchange.Answer, rider, 0},
		{exchange.Silent, exchange.Answer, rider, 0},
		{exchange.Busy, exchange.Busy, rider, 486},
		{exchange.Answer, exchange.Answer, stranger, 404},
	} {
		modes(c.alfa, c.bravo)
		if call := b.call(b.bravo, c.from, riderDials, talk); call.Answered != (c.code == 0) || call.Code != c.code {
			b.t.Fatalf("the call came to %d, not to %d", call.Code, c.code)
		}
	}
}

// gossipingCalls are between two phones that put their number into every
// corner: one is answered, one refused, one cancelled.
func gossipingCalls(t *testing.T, caller, callee *phone) {
	t.Helper()
	a := caller.dial(guest, guestDials)
	b := callee.ring(driver)
	b.answer()
	a.answered()
	sendRTCP(t, a, &rtcp.SenderReport{SSRC: callSSRC}, gossip())
	sendRTCP(t, b, &rtcp.ReceiverReport{SSRC: callSSRC}, gossip())
	if len(received(caller.rtcp, 1)) != 1 || len(received(callee.rtcp, 1)) != 1 {
		t.Fatal("RTCP does not pass")
	}
	a.bye()
	b.hungUp()

	a = caller.dial(guest, guestDials)
	b = callee.ring(driver)
	b.respond(b.inbound, "486 "+digits(driver), "")
	a.refused(486)
	callee.await("ACK ")

	a = caller.dial(guest, guestDials)
	b = callee.ring(driver)
	caller.await("SIP/2.0 180")
	a.cancel()
	b.cancelled()
	a.refused(487)
	for _, m := range []struct{ got, want string }{
		{b.inbound.user("From"), driverDials.Reveal()},
		{b.inbound.user("P-Asserted-Identity"), driverDials.Reveal()},
		{b.inbound.user("To"), driver.Reveal()},
	} {
		if m.got != m.want {
			t.Errorf("the callee sees %s, not %s", m.got, m.want)
		}
	}
}
