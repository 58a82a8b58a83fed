package smppsim

import (
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
	"maskline/testbench/await"
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
	eventually(t, "five receipts", func() bool { return len(esme.Receipts()) == 5 })
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

// bindTo binds an ESME that must bind.
func bindTo(t *testing.T, smsc *SMSC) *ESME {
	t.Helper()
	esme, err := BindESME(t.Context(), smsc.Addr(), "shop", "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(esme.Close)
	return esme
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.That(t, 5*time.Second, what, ok)
}

func TestLateAnswers(t *testing.T) {
	smsc, err := StartSMSC("alfa")
	if err != nil {
		t.Fatal(err)
	}
	defer smsc.Close()
	esme := bindTo(t, smsc)
	smsc.SetMode(Late)
	answered := make(chan pdu.Status, 1)
	go func() {
		_, status, _ := esme.Submit(t.Context(), "442079460001", "447700900001", "x")
		answered <- status
	}()
	eventually(t, "the message is there", func() bool { return len(smsc.Tap.Frames()) == 2 })
	if len(answered) > 0 || len(smsc.Submitted()) > 0 {
		t.Fatal("answered at once")
	}
	smsc.SetMode(Accept)
	if status := <-answered; status != pdu.ROK || len(smsc.Submitted()) != 1 {
		t.Fatalf("status %x, %d messages", status, len(smsc.Submitted()))
	}
}

func TestReceiptsOutliveABind(t *testing.T) {
	smsc, err := StartSMSC("alfa")
	if err != nil {
		t.Fatal(err)
	}
	defer smsc.Close()
	smsc.HoldReceipts(true)
	first := bindTo(t, smsc)
	ids, status, err := first.Submit(t.Context(), "442079460001", "447700900001", "x")
	if err != nil || status != pdu.ROK {
		t.Fatalf("%v, status %x", err, status)
	}
	first.Close()
	eventually(t, "the bind is gone", func() bool { return smsc.Bound() == 0 })
	smsc.HoldReceipts(false)
	second := bindTo(t, smsc)
	eventually(t, "the receipt is there", func() bool { return len(second.Receipts()) == 1 && smsc.ReceiptsOwed() == 0 })
	if r := second.Receipts()[0]; r.MessageID != ids[0] || len(first.Receipts()) > 0 {
		t.Fatal("another receipt")
	}
}
