package smpp

import (
	"bytes"
	"testing"

	"maskline/smpp/pdu"
)

// step is one of a USSD dialogue, with a TLV beside that never passes.
func step(from, to, line string) *pdu.Message {
	m := text(from, to, line)
	m.ServiceType = []byte("USSD")
	m.TLVs = pdu.AppendTLV(nil, tagUSSDServiceOp, []byte{2})
	m.TLVs = pdu.AppendTLV(m.TLVs, 0x0381, []byte("callback"))
	m.TLVs = pdu.AppendTLV(m.TLVs, tagITSSessionInfo, []byte{7, 2})
	m.TLVs = pdu.AppendTLV(m.TLVs, tagITSSessionInfo, []byte{9, 9})
	return m
}

func TestUSSD(t *testing.T) {
	passed := pdu.AppendTLV(pdu.AppendTLV(nil, tagUSSDServiceOp, []byte{2}), tagITSSessionInfo, []byte{7, 2})
	for _, c := range []struct {
		name      string
		up, down  bool
		service   string
		tlvs      pdu.TLVs
		answer    pdu.Status
		delivered bool
	}{
		{"both may", true, true, "USSD", passed, pdu.ROK, true},
		{"neither may", false, false, "", nil, pdu.ROK, true},
		{"the sender may not", false, true, "", nil, pdu.ROK, true},
		{"the receiver may not", true, false, "", nil, pdu.RSubmitFail, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, shop, carrier := relayTo(t, func(cfg *Config) {
				cfg.Accounts[0].USSD, cfg.Carriers[0].Binds[0].USSD = c.up, c.down
			})
			shop.send(t, pdu.SubmitSM, step(alice, maskOfBob, "*100#"))
			if c.delivered {
				f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
				if m := f.message(t); string(m.ServiceType) != c.service || !bytes.Equal(m.TLVs, c.tlvs) {
					t.Errorf("got service_type %q and TLVs %x", m.ServiceType, []byte(m.TLVs))
				}
				carrier.respond(t, f, pdu.ROK, "1")
			}
			shop.expect(t, pdu.SubmitSMResp, c.answer)
		})
	}
}

// What no bind takes is refused at once, and keeps nobody waiting behind it.
func TestUSSDHoldsNobodyUp(t *testing.T) {
	_, shop, carrier := relayTo(t, func(cfg *Config) {
		cfg.Accounts[0].USSD = true
		cfg.Carriers[0].Binds[0].Window = 1
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "first"))
	first := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	shop.send(t, pdu.SubmitSM, step(alice, maskOfBob, "*100#"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RSubmitFail)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "second"))
	carrier.respond(t, first, pdu.ROK, "1")
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "2")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestFaultyUSSD(t *testing.T) {
	_, shop, _ := relayTo(t, func(cfg *Config) { cfg.Accounts[0].USSD = true })
	m := text(alice, maskOfBob, "*100#")
	m.TLVs = pdu.AppendTLV(nil, tagITSSessionInfo, []byte{7})
	shop.send(t, pdu.SubmitSM, m)
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvParLen)
}

func TestRelativeValidityPasses(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	for _, period := range []string{"000001000000000R", "261231235959000+", "261231235959008-"} {
		m := text(alice, maskOfBob, "x")
		m.ValidityPeriod = []byte(period)
		shop.send(t, pdu.SubmitSM, m)
		f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
		if got := f.message(t).ValidityPeriod; string(got) != period {
			t.Errorf("%s became %q", period, got)
		}
		carrier.respond(t, f, pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
}

// A step that comes in segments is a step still, and is not put together as an
// ordinary message.
func TestUSSDIsNotPutTogether(t *testing.T) {
	_, shop, carrier := relayTo(t, func(cfg *Config) {
		takesWhole(cfg)
		cfg.Accounts[0].USSD, cfg.Carriers[0].Binds[0].USSD = true, true
	})
	m := step(alice, maskOfBob, "")
	m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x05\x00\x03\x07\x02\x01*100#")
	shop.send(t, pdu.SubmitSM, m)
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	if got := f.message(t); string(got.ServiceType) != "USSD" {
		t.Errorf("got service_type %q", got.ServiceType)
	}
	carrier.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}
