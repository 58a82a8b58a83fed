package smpp

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"maskline/smpp/pdu"
)

// content is what one PDU of a shape says: its text, and its place.
type content struct {
	text  []byte
	place pdu.Concatenation
}

// read reads one PDU as its receiver does.
func read(t *testing.T, sh *shape, p *piece, zero Encoding) content {
	t.Helper()
	if !p.inTLV && len(p.payload) > pdu.MaxText {
		t.Fatalf("a short_message of %d octets", len(p.payload))
	}
	text, header := p.payload, pdu.UDH(nil)
	if p.header {
		var err error
		if header, text, err = pdu.SplitUDH(p.payload); err != nil {
			t.Fatalf("the header is faulty: %v", err)
		}
	}
	var c content
	c.place, _ = header.Concatenation()
	c.text, _ = pdu.AppendText(nil, text, header, sh.dataCoding, zero)
	var sar sarTLVs
	for tag, value := range p.tlvs.All() {
		sar.read(tag, value)
	}
	if sar.seen == sarAll {
		if c.place.Total > 0 {
			t.Fatal("a place in the header and another in TLVs")
		}
		c.place = sar.place
	}
	return c
}

// FuzzShape sends any content to any bind: no text may change, and no character
// be cut.
func FuzzShape(f *testing.F) {
	f.Add([]byte(strings.Repeat("a\x1be[", 200)), byte(0), false, byte(0), byte(1), true, uint16(0))
	f.Add([]byte(strings.Repeat("\xd8\x3d\xde\x00\x00a", 400)), byte(8), false, byte(0), byte(1), true, uint16(0))
	f.Add([]byte("\x05\x00\x03\x07\x03\x02"+strings.Repeat("\xe7", 140)), byte(0), true, byte(6), byte(0), false, uint16(0))
	f.Add([]byte(strings.Repeat("\x1b", 254)), byte(0), false, byte(2), byte(2), false, uint16(0x0302))
	f.Add([]byte("\x06\x24\x01\x01\x25\x01\x01"+strings.Repeat("\x1bg", 60)), byte(0), true, byte(8), byte(1), true, uint16(0))
	f.Fuzz(func(t *testing.T, payload []byte, coding byte, header bool, zeros, long byte, inTLV bool, sar uint16) {
		encodings := [3]Encoding{GSM7, Latin1, UCS2}
		from, to := encodings[zeros%3], encodings[zeros/3%3]
		in := &pdu.Message{DataCoding: coding}
		if header {
			in.ESMClass = pdu.ESMUDHI
		}
		if inTLV && len(payload) <= maxWhole {
			in.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, payload)
		} else {
			in.ShortMessage = payload[:min(len(payload), pdu.MaxText)]
		}
		if sar != 0 {
			withSAR(in, 0x1234, byte(sar>>8), byte(sar))
		}
		m := &message{up: &session{dialer: &dialer{}}, command: pdu.SubmitSM}
		if m.fill(in, &format{zero: from}) != notRefused {
			return
		}
		bind := &terms{format: format{zero: to, long: Long(long % 4)}, window: 255, version: pdu.Version34}
		var sh shape
		shaped, r := m.fits(bind, &sh, func() uint16 { return 7 })
		if !shaped || r != notRefused {
			return
		}
		want, err := pdu.AppendText(nil, m.payload[m.headerLen:], m.elements(), m.dataCoding, m.zero)
		var got []byte
		for i := range sh.pieces {
			c := read(t, &sh, &sh.pieces[i], to)
			got = append(got, c.text...)
			switch {
			case len(sh.pieces) > 1 && (int(c.place.Total) != len(sh.pieces) || int(c.place.Part) != i+1):
				t.Fatalf("piece %d of %d says %+v", i+1, len(sh.pieces), c.place)
			case len(sh.pieces) == 1 && (c.place.Total != m.concat.Total || c.place.Part != m.concat.Part):
				t.Fatalf("the place %+v became %+v", m.concat, c.place)
			}
		}
		if err == nil && !bytes.ContainsRune(want, utf8.RuneError) && !bytes.Equal(got, want) {
			t.Fatalf("%q became %q", want, got)
		}
	})
}
