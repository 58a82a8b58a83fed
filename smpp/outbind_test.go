package smpp

import (
	"net/netip"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// outbindConfig has a carrier that connects to us and shows "them" and "knock".
func outbindConfig() Config {
	cfg := baseConfig()
	alfa := carrierAt("alfa", "127.0.0.1:1")
	alfa.Binds[0].BindType = Receiver
	alfa.Binds[0].Outbind = OutbindConfig{
		Enabled: true, SystemID: "them", Password: "knock", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}
	cfg.Carriers = []CarrierConfig{alfa}
	return cfg
}

func (w *wire) outbind(t testing.TB, id, password string) {
	t.Helper()
	o := pdu.OutbindRequest{SystemID: []byte(id), Password: []byte(password)}
	out, err := o.Append(nil, w.sequence())
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, out)
}

// An SMSC knocks, is bound to on its own connection, and delivers.
func TestOutbind(t *testing.T) {
	b := startEdge(t, outbindConfig())
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	for range 2 { // the place is free again afterwards
		smsc := dialWire(t, b.addr)
		smsc.outbind(t, "them", "knock")
		f := smsc.expect(t, pdu.BindReceiver, pdu.ROK)
		var bind pdu.Bind
		if err := bind.Decode(f.body); err != nil {
			t.Fatal(err)
		}
		if string(bind.SystemID) != "maskline" || string(bind.Password) != "secret" {
			t.Errorf("we bind as %q", bind.SystemID)
		}
		resp, err := (&pdu.BindResp{SystemID: []byte("them")}).Append(nil, pdu.BindReceiver, pdu.ROK, f.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		smsc.write(t, resp)
		smsc.send(t, pdu.DeliverSM, text(bob, maskShop, "hello"))
		shop.respond(t, shop.expect(t, pdu.DeliverSM, pdu.ROK), pdu.ROK, "")
		smsc.expect(t, pdu.DeliverSMResp, pdu.ROK)
		if s := b.Binds()[0]; s.Peer != "alfa" || s.Direction != "out" || s.State != "bound" {
			t.Errorf("the bind is shown as %+v", s)
		}
		second := dialWire(t, b.addr) // one session is configured
		second.outbind(t, "them", "knock")
		second.expect(t, pdu.GenericNack, pdu.RBindFail)
		second.expectEnd(t)
		smsc.conn.Close()
		eventually(t, "the place is free", func() bool { return b.Binds()[0].State == "down" })
	}
}

func TestOutbindsThatAreRefused(t *testing.T) {
	elsewhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for _, c := range []struct {
		name, id, password string
		change             func(*BindConfig)
	}{
		{"wrong password", "them", "guess", nil},
		{"wrong system_id", "you", "knock", nil},
		{"the two run together", "themk", "nock", nil},
		{"another source", "them", "knock", func(b *BindConfig) { b.Outbind.Allow = elsewhere }},
		{"no source allowed", "them", "knock", func(b *BindConfig) { b.Outbind.Allow = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := outbindConfig()
			if c.change != nil {
				c.change(&cfg.Carriers[0].Binds[0])
			}
			b := startEdge(t, cfg)
			smsc := dialWire(t, b.addr)
			smsc.outbind(t, c.id, c.password)
			smsc.expect(t, pdu.GenericNack, pdu.RBindFail)
			smsc.expectEnd(t)
			if n := b.metric(t, "auth_failures_total", "reason", "outbind"); n != 1 {
				t.Errorf("%v are counted", n)
			}
		})
	}
}

// An SMSC that knocks and then does not answer our bind is closed like any
// connection that does not bind.
func TestAnOutbindThatGoesNoFurther(t *testing.T) {
	cfg := outbindConfig()
	cfg.BindTimeout = time.Second
	b := startEdge(t, cfg)
	smsc := dialWire(t, b.addr)
	smsc.outbind(t, "them", "knock")
	smsc.expect(t, pdu.BindReceiver, pdu.ROK)
	smsc.outbind(t, "them", "knock")
	smsc.expect(t, pdu.GenericNack, pdu.RInvBndSts)
	smsc.expectEnd(t)
	eventually(t, "the place is free", func() bool { return b.Binds()[0].State == "down" })
	if got := b.Binds()[0].Reason; got != "not bound in time" {
		t.Errorf("ended because %q", got)
	}
}
