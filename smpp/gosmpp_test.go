package smpp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	gosmpp "github.com/fiorix/go-smpp/v2/smpp"
	gopdu "github.com/fiorix/go-smpp/v2/smpp/pdu"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/v2/smpp/smpptest"

	"maskline/smpp/pdu"
	"maskline/testbench/await"
)

// goSMSC is go-smpp's server as a carrier: it accepts what it gets and sends a
// receipt for it.
func goSMSC(t *testing.T) (*smpptest.Server, <-chan gopdu.Body) {
	t.Helper()
	got := make(chan gopdu.Body, 64)
	s := smpptest.NewUnstartedServer()
	s.Handler = func(c smpptest.Conn, p gopdu.Body) {
		switch p.Header().ID {
		case gopdu.SubmitSMID:
			got <- p
			resp := gopdu.NewSubmitSMResp()
			resp.Header().Seq = p.Header().Seq
			id := fmt.Sprintf("%08X", p.Header().Seq)
			_ = resp.Fields().Set(pdufield.MessageID, id)
			_ = c.Write(resp)
			if p.Fields()[pdufield.RegisteredDelivery].Raw() == uint8(1) {
				dlr := gopdu.NewDeliverSM()
				_ = dlr.Fields().Set(pdufield.ESMClass, 4)
				_ = dlr.Fields().Set(pdufield.ShortMessage, "id:"+strings.ToLower(id)+" sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:")
				_ = c.Write(dlr)
			}
		case gopdu.EnquireLinkID:
			resp := gopdu.NewEnquireLinkResp()
			resp.Header().Seq = p.Header().Seq
			_ = c.Write(resp)
		case gopdu.UnbindID:
			resp := gopdu.NewUnbindResp()
			resp.Header().Seq = p.Header().Seq
			_ = c.Write(resp)
		case gopdu.DeliverSMRespID:
			got <- p
		default:
		}
	}
	s.Start()
	return s, got
}

func goCarrier(s *smpptest.Server) CarrierConfig {
	c := carrierAt("alfa", s.Addr())
	c.Binds[0].SystemID, c.Binds[0].Password = s.User, s.Passwd
	return c
}

func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	return await.From(t, patience, "what comes next", from)
}

// go-smpp's client as a tenant and its server as a carrier: text in both
// alphabets, validity, and a receipt.
func TestGoSMPPAsBothPeers(t *testing.T) {
	server, got := goSMSC(t)
	t.Cleanup(server.Close)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{goCarrier(server)}
	b := startEdge(t, cfg)
	b.waitUp(t, "alfa")

	receipts := make(chan gopdu.Body, 8)
	tx := &gosmpp.Transceiver{Addr: b.addr, User: "shop", Passwd: "sesame", RespTimeout: patience, Handler: func(p gopdu.Body) {
		if p.Header().ID == gopdu.DeliverSMID {
			receipts <- p
		}
	}}
	status := next(t, tx.Bind())
	if status.Status() != gosmpp.Connected {
		t.Fatal(status.Error())
	}
	t.Cleanup(func() { tx.Close() })
	for _, c := range []struct {
		name   string
		text   pdutext.Codec
		coding uint8
	}{
		{"GSM 7-bit", pdutext.GSM7("€uro at @lice's"), 0},
		{"UCS-2", pdutext.UCS2("Привет, мир"), 8},
		{"Latin-1", pdutext.Latin1("Grüße"), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			sm, err := tx.Submit(&gosmpp.ShortMessage{
				Src: alice, Dst: maskOfBob, Text: c.text, Register: pdufield.FinalDeliveryReceipt,
				Validity: time.Hour, SourceAddrTON: 1, SourceAddrNPI: 1, DestAddrTON: 1, DestAddrNPI: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			f := next(t, got).Fields()
			if f[pdufield.SourceAddr].String() != maskOfAlice || f[pdufield.DestinationAddr].String() != bob {
				t.Fatal("the message was not translated")
			}
			if !bytes.Equal(f[pdufield.ShortMessage].Bytes(), c.text.Encode()) || f[pdufield.DataCoding].Raw() != c.coding {
				t.Fatal("the text differs")
			}
			r, err := pdufield.ParseDeliveryReceipt(next(t, receipts).Fields()[pdufield.ShortMessage].Bytes())
			if err != nil || r.State != "DELIVRD" || r.ID != sm.RespID() {
				t.Fatalf("receipt %v, %v", r, err)
			}
			if resp := next(t, got); resp.Header().ID != gopdu.DeliverSMRespID || resp.Header().Status != 0 {
				t.Fatalf("the receipt was answered with %v", resp.Header())
			}
		})
	}
	_, err := tx.Submit(&gosmpp.ShortMessage{Src: alice, Dst: carol, Text: pdutext.Raw("x")})
	if err != gopdu.Status(pdu.RInvDstAdr) { //nolint:errorlint // go-smpp returns the bare status
		t.Fatalf("no mask: %v", err)
	}
}

// go-smpp's receiver as an account that answers a public mask.
func TestGoSMPPAsReceiver(t *testing.T) {
	b := startEdge(t, baseConfig())
	got := make(chan gopdu.Body, 8)
	rx := &gosmpp.Receiver{Addr: b.addr, User: "shop", Passwd: "sesame", Handler: func(p gopdu.Body) {
		if p.Header().ID == gopdu.DeliverSMID {
			got <- p
		}
	}}
	if status := next(t, rx.Bind()); status.Status() != gosmpp.Connected {
		t.Fatal(status.Error())
	}
	t.Cleanup(func() { rx.Close() })
	outlet := bound(t, b.addr, pdu.BindTransmitter, "outlet")
	outlet.send(t, pdu.SubmitSM, text(carol, maskShop, "hello"))
	f := next(t, got).Fields()
	if f[pdufield.SourceAddr].String() != maskOfAlice || f[pdufield.DestinationAddr].String() != maskShop || string(f[pdufield.ShortMessage].Bytes()) != "hello" {
		t.Fatal("the message was not translated")
	}
	outlet.expect(t, pdu.SubmitSMResp, pdu.ROK)
}
