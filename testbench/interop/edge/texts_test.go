//go:build peers

package edge

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/leak"
)

var officeNumber = e164.MustParse("+442079460066") // public, reaches the driver behind the shop's PBX by text

// binding leads the number to the phone.
func (p *phone) binding() string {
	return fmt.Sprintf("+442079460066,*,sip:%s@%s,+442079460066,sms+voice,,,shop\n", driver.Reveal(), local(p.sip))
}

// pbx is the phone's entry among the peers of a configuration.
func (p *phone) pbx() string {
	return fmt.Sprintf("{tenant: shop, addr: \"udp://%s\", probe: {every: 0s}}", local(p.sip))
}

// text sends a MESSAGE whose every corner holds the sender's number, and wants a
// final answer.
func (p *phone) text(from, to e164.Number, body string, code int) {
	p.t.Helper()
	gossip := digits(from)
	p.send(strings.Join([]string{
		fmt.Sprintf("MESSAGE sip:%s@%s SIP/2.0", to.Reveal(), p.edge),
		fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport", local(p.sip), rand.Text()),
		"Max-Forwards: 70",
		fmt.Sprintf("From: \"%[1]s\" <sip:%[1]s@example.com>;tag=%[2]s", from.Reveal(), rand.Text()),
		fmt.Sprintf("To: <sip:%s@%s>", to.Reveal(), p.edge),
		"Call-ID: " + rand.Text(),
		"CSeq: 1 MESSAGE",
		"Contact: <sip:" + from.Reveal() + "@" + local(p.sip).String() + ">",
		"P-Asserted-Identity: <tel:" + from.Reveal() + ">",
		"Remote-Party-ID: <sip:" + from.Reveal() + "@example.com>;party=calling",
		"Subject: text of " + gossip,
		"In-Reply-To: " + gossip,
		"Reply-To: <sip:" + from.Reveal() + "@example.com>",
		"User-Agent: " + gossip,
		"Content-Type: text/plain",
		"Content-Disposition: render;x=" + gossip,
		fmt.Sprintf("Content-Length: %d", len(body)),
	}, "\r\n") + "\r\n\r\n" + body)
	p.await(fmt.Sprint("SIP/2.0 ", code))
}

// texts go from a SIP trunk to a carrier and from a carrier to a PBX, taken and
// refused; the PBX answers with the driver's number wherever there is room.
func (b *bed) texts(caller, desk *phone) {
	b.t.Helper()
	before := len(b.alfa.smsc.Submitted())
	caller.text(rider, riderDials, "at the south gate ✓", 202)
	if all := b.alfa.smsc.Submitted(); len(all) != before+1 || all[before].Source != digits(driverDials) || all[before].Destination != digits(driver) {
		b.t.Fatal("a text over SIP did not arrive masked")
	}
	caller.text(stranger, riderDials, "who is this?", 404)
	for _, c := range []struct {
		code   string
		status pdu.Status
	}{{"200 OK", pdu.ROK}, {"603 " + digits(driver), pdu.RxPAppn}} {
		done := make(chan pdu.Status, 1)
		go func() {
			defer close(done) // where it fails too
			done <- b.deliver(b.bravo, customer, officeNumber, "is it far?")
		}()
		m := desk.await("MESSAGE ")
		if m.user("From") != officeNumber.Reveal() || m.user("To") != driver.Reveal() || m.body != "is it far?" {
			b.t.Errorf("the PBX sees %s and %s", m.header("From"), m.header("To"))
		}
		desk.send(strings.Join([]string{
			"SIP/2.0 " + c.code, "Via: " + m.header("Via"), "From: " + m.header("From"), "To: " + m.header("To") + ";tag=" + digits(driver),
			"Call-ID: " + m.header("Call-ID"), "CSeq: " + m.header("CSeq"), "Contact: <sip:" + driver.Reveal() + "@" + local(desk.sip).String() + ">",
			"Warning: 399 pbx \"" + digits(driver) + "\"", "Server: " + digits(driver), "Content-Length: 0",
		}, "\r\n") + "\r\n\r\n")
		if status := <-done; status != c.status {
			b.t.Errorf("%s: the carrier hears 0x%02X", c.code, uint32(status))
		}
	}
}

// TestBaresipShowsTexts has a carrier's subscriber write to a baresip that is the
// shop's PBX.
func TestBaresipShowsTexts(t *testing.T) {
	b := newBed(t)
	desk := newBaresip(t, officeNumber, 620)
	b.start(settings{peers: fmt.Sprintf("{tenant: shop, addr: \"udp://%s\", media_from: [127.0.0.0/8], probe: {every: 0s}}", desk.addr)})
	b.imports(bindings + fmt.Sprintf("%s,%s,sip:%s@%s,%[1]s,sms,,,shop\n", officeNumber.Reveal(), customer.Reveal(), officeNumber.Reveal(), desk.addr))
	if status := b.deliver(b.bravo, customer, officeNumber, "Grüße, is it far?"); status != pdu.ROK {
		t.Fatalf("the carrier hears 0x%02X", uint32(status))
	}
	b.eventually("baresip shows it", func() bool { return strings.Contains(desk.said(), "Grüße, is it far?") })
	if found := leak.NewScanner(customer).Find([]byte(desk.said())); len(found) > 0 {
		t.Error("baresip learns the sender's number")
	}
}
