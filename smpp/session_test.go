package smpp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

func TestBindIsAnswered(t *testing.T) {
	b := startEdge(t, baseConfig())
	tlv := pdu.AppendTLV(nil, pdu.TagSCInterfaceVersion, []byte{pdu.Version34})
	cases := []struct {
		name    string
		command pdu.Command
		version byte
		tlvs    pdu.TLVs
	}{
		{"transceiver", pdu.BindTransceiver, pdu.Version34, tlv},
		{"receiver", pdu.BindReceiver, pdu.Version34, tlv},
		{"transmitter", pdu.BindTransmitter, pdu.Version34, tlv},
		{"version 5.0 gets 3.4", pdu.BindTransceiver, pdu.Version50, tlv},
		{"version 3.3 gets no TLVs", pdu.BindTransceiver, pdu.Version33, pdu.TLVs{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := dialWire(t, b.addr)
			f := w.bindAs(t, c.command, "shop", "sesame", c.version)
			var resp pdu.BindResp
			if f.Command != c.command.Response() || f.Status != pdu.ROK || resp.Decode(f.Status, f.body) != nil {
				t.Fatalf("answered %+v", f.Header)
			}
			if string(resp.SystemID) != "maskline" || !bytes.Equal(resp.TLVs, c.tlvs) {
				t.Fatalf("response %+v", resp)
			}
		})
	}
}

func TestBindRefusedAlikeForEveryReason(t *testing.T) {
	cfg := baseConfig()
	cfg.Auth.Failures = 1000
	cfg.Accounts[1].Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	cfg.Accounts[0].Binds = 1
	b := startEdge(t, cfg)
	bound(t, b.addr, pdu.BindTransceiver, "shop")
	cases := []struct{ name, id, password string }{
		{"unknown account", "nobody", "sesame"},
		{"wrong password", "shop", "guess"},
		{"empty password", "shop", ""},
		{"source not allowed", "outlet", "sesame"},
		{"too many binds", "shop", "sesame"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := dialWire(t, b.addr)
			f := w.bindAs(t, pdu.BindTransceiver, c.id, c.password, pdu.Version34)
			if f.Command != pdu.BindTransceiverResp || f.Status != pdu.RBindFail || len(f.body) != 0 {
				t.Fatalf("answered %+v", f.Header)
			}
			w.expectEnd(t)
		})
	}
}

func TestBindsEndAndBeginAgain(t *testing.T) {
	cfg := baseConfig()
	cfg.Accounts[0].Binds = 1
	b := startEdge(t, cfg)
	for range 3 {
		w := bound(t, b.addr, pdu.BindTransceiver, "shop")
		w.conn.Close()
		eventually(t, "the bind is gone", func() bool { return len(b.Binds()) == 0 })
	}
}

func TestSourceIsRefusedAfterFailures(t *testing.T) {
	cfg := baseConfig()
	cfg.Auth.Failures = 3
	b := startEdge(t, cfg)
	good := bound(t, b.addr, pdu.BindTransceiver, "shop")
	for range 3 {
		w := dialWire(t, b.addr)
		if f := w.bindAs(t, pdu.BindTransceiver, "shop", "guess", pdu.Version34); f.Status != pdu.RBindFail {
			t.Fatalf("answered %+v", f.Header)
		}
	}
	w := dialWire(t, b.addr)
	w.expectEnd(t)
	good.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 9))
	good.expect(t, pdu.EnquireLinkResp, pdu.ROK)
}

func TestBeforeTheBind(t *testing.T) {
	b := startEdge(t, baseConfig())
	w := dialWire(t, b.addr)
	w.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	w.expect(t, pdu.SubmitSMResp, pdu.RInvBndSts)
	w.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 2))
	w.expect(t, pdu.EnquireLinkResp, pdu.RInvBndSts)
	w.write(t, pdu.AppendHeader(nil, pdu.Outbind, pdu.ROK, 3))
	w.expect(t, pdu.GenericNack, pdu.RInvCmdID)
	if f := w.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.ROK {
		t.Fatal("the connection was no longer good for a bind")
	}
}

func TestStates(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	b := pdu.Bind{SystemID: []byte("shop"), Password: []byte("sesame")}
	second, _ := b.Append(nil, pdu.BindTransceiver, 77)
	shop.write(t, second)
	shop.expect(t, pdu.BindTransceiverResp, pdu.RAlyBnd)
	shop.send(t, pdu.DeliverSM, text(alice, maskOfBob, "x"))
	shop.expect(t, pdu.DeliverSMResp, pdu.RInvBndSts)
	carrier.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	carrier.expect(t, pdu.SubmitSMResp, pdu.RInvBndSts)
	carrier.write(t, second)
	carrier.expect(t, pdu.BindTransceiverResp, pdu.RInvBndSts)
}

func TestReceiverMayNotSubmit(t *testing.T) {
	b := startEdge(t, baseConfig())
	w := bound(t, b.addr, pdu.BindReceiver, "shop")
	w.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	w.expect(t, pdu.SubmitSMResp, pdu.RInvBndSts)
}

func TestTransmitterGetsNothing(t *testing.T) {
	b := startEdge(t, baseConfig())
	bound(t, b.addr, pdu.BindTransmitter, "shop")
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	outlet.send(t, pdu.SubmitSM, text(alice, maskShop, "x"))
	outlet.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
}

func TestSessionPDUs(t *testing.T) {
	b := startEdge(t, baseConfig())
	w := bound(t, b.addr, pdu.BindTransceiver, "shop")
	w.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 5))
	if f := w.expect(t, pdu.EnquireLinkResp, pdu.ROK); f.Sequence != 5 {
		t.Fatal("another sequence number")
	}
	for _, c := range []pdu.Command{pdu.Outbind, 0x77} {
		w.write(t, pdu.AppendHeader(nil, c, pdu.ROK, 6))
		w.expect(t, pdu.GenericNack, pdu.RInvCmdID)
	}
	for _, c := range []pdu.Command{pdu.SubmitMulti, pdu.BroadcastSM, pdu.QueryBroadcastSM, pdu.CancelBroadcastSM} {
		w.write(t, pdu.AppendHeader(nil, c, pdu.ROK, 6))
		w.expect(t, c.Response(), pdu.RInvCmdID)
	}
	for _, c := range []pdu.Command{pdu.QuerySM, pdu.CancelSM, pdu.ReplaceSM} {
		w.write(t, pdu.AppendHeader(nil, c, pdu.ROK, 6))
		w.expect(t, c.Response(), pdu.RInvCmdLen)
	}
	w.write(t, pdu.AppendHeader(nil, pdu.AlertNotification, pdu.ROK, 7))
	w.write(t, append(pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 7)[:0:0], 0, 0, 0, 17, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 8, 0xFF))
	w.expect(t, pdu.EnquireLinkResp, pdu.RInvCmdLen)
	w.write(t, pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, 9))
	w.expect(t, pdu.UnbindResp, pdu.ROK)
	w.expectEnd(t)
}

func TestSilentPeerIsProbedTwiceThenCut(t *testing.T) {
	cfg := baseConfig()
	cfg.EnquireLink = 100 * time.Millisecond
	b := startEdge(t, cfg)
	w := bound(t, b.addr, pdu.BindTransceiver, "shop")
	first := w.expect(t, pdu.EnquireLink, pdu.ROK)
	w.write(t, pdu.AppendHeader(nil, pdu.EnquireLinkResp, pdu.ROK, first.Sequence))
	w.expect(t, pdu.EnquireLink, pdu.ROK)
	w.expect(t, pdu.EnquireLink, pdu.ROK)
	w.expectEnd(t)
}

func TestReconnects(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	b := startEdge(t, cfg)
	t.Cleanup(s.stop)
	w := s.bind(t)
	b.waitUp(t, "alfa")
	w.conn.Close()
	w = s.bind(t)
	b.waitUp(t, "alfa")
	w.write(t, pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, 1))
	w.expect(t, pdu.UnbindResp, pdu.ROK)
	w.expectEnd(t)
	s.bind(t)
	b.waitUp(t, "alfa")
}

func TestBindThatIsNeverAnswered(t *testing.T) {
	cfg := baseConfig()
	cfg.BindTimeout = 100 * time.Millisecond
	listener := mute(t)
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", listener.Addr().String())}
	b := startEdge(t, cfg)
	for range 2 { // it tries again
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		w := newWire(conn)
		w.expect(t, pdu.BindTransceiver, pdu.ROK)
		w.expectEnd(t)
		conn.Close()
	}
	if state := b.Binds()[0]; state.State == "bound" {
		t.Fatalf("state %+v", state)
	}
}

func TestBindRefusedByTheCarrier(t *testing.T) {
	listener := mute(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", listener.Addr().String())}
	b := startEdge(t, cfg)
	for range 2 {
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		w := newWire(conn)
		f := w.expect(t, pdu.BindTransceiver, pdu.ROK)
		w.write(t, pdu.AppendHeader(nil, pdu.BindTransceiverResp, pdu.RInvPaswd, f.Sequence))
		w.expectEnd(t)
		conn.Close()
	}
	eventually(t, "the reason is told", func() bool { return b.Binds()[0].Reason == "bind refused: invalid password" })
}

func TestBindsAreDescribed(t *testing.T) {
	b, _, _ := relayTo(t, nil)
	eventually(t, "both are bound", func() bool { return len(b.Binds()) == 2 })
	for _, s := range b.Binds() {
		if s.State != "bound" || s.Since.IsZero() || s.WindowLimit == 0 {
			t.Errorf("state %+v", s)
		}
	}
}
