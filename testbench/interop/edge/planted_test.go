//go:build peers

package edge

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/smpp/pdu"
	"maskline/testbench/capture"
)

// The same way of recording and judging finds a number that was planted: in a
// datagram, in a PDU, and in a line of a log.
func TestThePlantedNumberIsFound(t *testing.T) {
	b := newBed(t)
	recorder, err := capture.Start(t.Context(), filepath.Join(b.dir, "sent.pcap"), b.ip)
	if err != nil {
		t.Fatal(err)
	}
	b.start(settings{})
	j := newJudge(b)
	leaky := udp(t, b.ip)
	invite := fmt.Sprintf("INVITE sip:%[1]s@127.0.0.1 SIP/2.0\r\nFrom: <sip:%[2]s@127.0.0.1>;tag=a\r\nTo: <sip:%[1]s@127.0.0.1>\r\n\r\n", driver.Reveal(), rider.Reveal())
	if _, err := leaky.WriteToUDPAddrPort([]byte(invite), b.alfa.exchange.Addr()); err != nil {
		t.Fatal(err)
	}
	plantPDU(t, b)
	b.stop()
	plantLine(t, b)
	recording, err := recorder.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range recording.Datagrams { // as if the SIP socket had sent it
		if recording.Datagrams[i].From == local(leaky) {
			recording.Datagrams[i].From = b.edge.Listeners().SIP[0]
		}
	}
	j.recording(recording)
	j.text("log", b.log())
	for _, kind := range []string{"SIP: number 0", "SMPP to a carrier: number 0", "log: number 0"} {
		found := false
		for _, f := range j.found {
			found = found || strings.HasPrefix(f, kind)
		}
		if !found {
			t.Errorf("the number planted in %s was not found", kind)
		}
	}
}

// plantPDU sends a submit_sm with the sender's number, from the edge's address,
// to a carrier.
func plantPDU(t *testing.T, b *bed) {
	t.Helper()
	w := b.dialFrom(b.ip, b.alfa.smsc.Addr())
	bind, err := (&pdu.Bind{SystemID: []byte("leaky")}).Append(nil, pdu.BindTransmitter, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.write(bind)
	w.expect(pdu.BindTransmitterResp, pdu.ROK)
	m := pdu.Message{
		Source:      pdu.Address{TON: 1, NPI: 1, Digits: []byte(digits(rider))},
		Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(digits(driver))},
	}
	frame, err := m.Append(nil, pdu.SubmitSM, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.write(frame)
	w.expect(pdu.SubmitSMResp, pdu.ROK)
	w.conn.Close()
}

// plantLine adds a line with a number to the log.
func plantLine(t *testing.T, b *bed) {
	t.Helper()
	file, err := os.OpenFile(b.edge.LogFile(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, `{"level":"info","msg":"call from %s"}`, rider.Reveal()); err != nil {
		t.Fatal(err)
	}
}
