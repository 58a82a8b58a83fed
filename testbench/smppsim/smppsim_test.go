package smppsim

import (
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

func TestTheTwoEndsTalk(t *testing.T) {
	smsc, err := StartSMSC("alfa")
	if err != nil {
		t.Fatal(err)
	}
	defer smsc.Close()
	esme, err := BindESME(t.Context(), smsc.Addr(), "shop", "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer esme.Close()
	text := strings.Repeat("Grüße aus Ulm ✓ ", 20)
	ids, status, err := esme.Submit(t.Context(), "442079460001", "447700900001", text)
	if err != nil || status != pdu.ROK || len(ids) != 5 {
		t.Fatalf("%v, status %x, %d ids", err, status, len(ids))
	}
	var got string
	for i, m := range smsc.Submitted() {
		if m.Source != "442079460001" || m.Destination != "447700900001" || int(m.Segment.Part) != i+1 || m.Segment.Total != 5 {
			t.Fatalf("segment %d is %+v", i, m.Segment)
		}
		got += m.Text
	}
	if got != text {
		t.Fatal("the text was altered")
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(esme.Receipts()) < 5 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	for i, r := range esme.Receipts() {
		if r.MessageID != ids[i] || r.State != pdu.Delivered || r.Source != "447700900001" {
			t.Fatalf("receipt %d is %+v", i, r)
		}
	}
	if status, err = smsc.Deliver(t.Context(), "447700900001", "442079460001", "hello"); err != nil || status != pdu.ROK {
		t.Fatalf("%v, status %x", err, status)
	}
	if d := esme.Delivered(); len(d) != 1 || d[0].Text != "hello" {
		t.Fatalf("delivered %+v", d)
	}
	smsc.SetMode(Throttle)
	if _, status, err = esme.Submit(t.Context(), "442079460001", "447700900001", "x"); err != nil || status != pdu.RThrottled {
		t.Fatalf("%v, status %x", err, status)
	}
	smsc.SetMode(Gone)
	if _, _, err = esme.Submit(t.Context(), "442079460001", "447700900001", "x"); err == nil {
		t.Fatal("submitted over a closed connection")
	}
}
