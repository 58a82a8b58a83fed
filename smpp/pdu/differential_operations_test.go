package pdu

import (
	"bytes"
	"math/rand/v2"
	"testing"

	gopdu "github.com/fiorix/go-smpp/v2/smpp/pdu"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdutext"
)

// operation is a PDU and what go-smpp calls its fields.
type operation struct {
	name   string
	frame  func() ([]byte, error)
	fields map[pdufield.Name][]byte
}

// sourceFields and destinationFields are the fields of an address.
func sourceFields(a Address, into map[pdufield.Name][]byte) map[pdufield.Name][]byte {
	into[pdufield.SourceAddrTON], into[pdufield.SourceAddrNPI], into[pdufield.SourceAddr] = []byte{a.TON}, []byte{a.NPI}, a.Digits
	return into
}

func destinationFields(a Address, into map[pdufield.Name][]byte) map[pdufield.Name][]byte {
	into[pdufield.DestAddrTON], into[pdufield.DestAddrNPI], into[pdufield.DestinationAddr] = []byte{a.TON}, []byte{a.NPI}, a.Digits
	return into
}

// randomOperations makes one of each with random fields.
func randomOperations(r *rand.Rand) []operation {
	word := func(n int) []byte {
		b := make([]byte, r.IntN(n+1))
		for i := range b {
			b[i] = byte('0' + r.IntN(75))
		}
		return b
	}
	address := func() Address { return Address{byte(r.UintN(7)), byte(r.UintN(19)), word(20)} }
	from, to, id, service := address(), address(), word(64), word(5)
	query, cancel := Query{id, from}, Cancel{service, id, from, to}
	replace := Replace{id, from, nil, []byte("000001100000000R"), byte(r.UintN(32)), byte(r.UintN(256)), word(MaxText)}
	resp := QueryResp{id, []byte("261122000000000+"), State(r.UintN(9)), byte(r.UintN(256))}
	data := Data{ServiceType: service, Source: from, Destination: to, ESMClass: 0, RegisteredDelivery: byte(r.UintN(32)), DataCoding: byte(r.UintN(256))}
	outbind, alert := OutbindRequest{word(15), word(8)}, Alert{Source: from, ESME: to}
	return []operation{
		{"query_sm", func() ([]byte, error) { return query.Append(nil, 1) }, sourceFields(from, map[pdufield.Name][]byte{pdufield.MessageID: id})},
		{
			"cancel_sm", func() ([]byte, error) { return cancel.Append(nil, 2) },
			sourceFields(from, destinationFields(to, map[pdufield.Name][]byte{pdufield.ServiceType: service, pdufield.MessageID: id})),
		},
		{
			"replace_sm", func() ([]byte, error) { return replace.Append(nil, 3) },
			sourceFields(from, map[pdufield.Name][]byte{
				pdufield.MessageID: id, pdufield.ValidityPeriod: replace.ValidityPeriod, pdufield.RegisteredDelivery: {replace.RegisteredDelivery},
				pdufield.SMDefaultMsgID: {replace.DefaultMessageID}, pdufield.ShortMessage: replace.ShortMessage,
			}),
		},
		{
			"query_sm_resp", func() ([]byte, error) { return resp.Append(nil, ROK, 4) },
			// It takes message_state and error_code for strings.
			map[pdufield.Name][]byte{pdufield.MessageID: id, pdufield.FinalDate: resp.FinalDate},
		},
		{
			"outbind", func() ([]byte, error) { return outbind.Append(nil, 6) },
			map[pdufield.Name][]byte{pdufield.SystemID: outbind.SystemID, pdufield.Password: outbind.Password},
		},
		{
			"alert_notification", func() ([]byte, error) { return alert.Append(nil, 7) },
			sourceFields(from, map[pdufield.Name][]byte{
				pdufield.ESMAddrTON: {to.TON}, pdufield.ESMAddrNPI: {to.NPI}, pdufield.ESMAddr: to.Digits,
			}),
		},
		{
			"data_sm", func() ([]byte, error) { return data.Append(nil, 5) },
			sourceFields(from, destinationFields(to, map[pdufield.Name][]byte{
				pdufield.ServiceType: service, pdufield.RegisteredDelivery: {data.RegisteredDelivery}, pdufield.DataCoding: {data.DataCoding},
			})),
		},
	}
}

func TestGoSMPPDecodesOperationsAsWeDo(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		for _, o := range randomOperations(r) {
			frame, err := o.frame()
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := gopdu.Decode(bytes.NewReader(frame))
			if err != nil {
				t.Fatalf("%s: %v", o.name, err)
			}
			for name, want := range o.fields {
				field := theirs.Fields()[name]
				if field == nil {
					t.Fatalf("%s: they have no %s", o.name, name)
				}
				if got := bytes.TrimSuffix(field.Bytes(), []byte{0}); !bytes.Equal(got, bytes.TrimSuffix(want, []byte{0})) {
					t.Fatalf("%s: %s: they read % x, we % x", o.name, name, got, want)
				}
			}
		}
	}
}

// TestTextsAsGoSMPP compares what go-smpp gets right: characters that exist in
// the alphabet, without surrogates.
func TestTextsAsGoSMPP(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const letters = "abcXYZ019 @£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€"
	for range 2000 {
		var text []rune
		for range r.IntN(160) {
			text = append(text, []rune(letters)[r.IntN(len([]rune(letters)))])
		}
		utf8 := []byte(string(text))
		for _, c := range []struct {
			name   string
			a      Alphabet
			theirs pdutext.Codec
		}{
			{"septets", GSM7, pdutext.GSM7(utf8)},
			{"UCS2", UCS2, pdutext.UCS2(utf8)},
		} {
			ours, err := AppendEncoded(nil, utf8, c.a)
			if err != nil {
				t.Fatal(err)
			}
			if theirs := c.theirs.Encode(); !bytes.Equal(ours, theirs) {
				t.Fatalf("%s of %q: they write % x, we % x", c.name, text, theirs, ours)
			}
		}
		packed, err := AppendEncoded(nil, utf8, GSM7Packed)
		if err != nil {
			t.Fatal(err)
		}
		if theirs := pdutext.GSM7Packed(utf8).Encode(); len(packed) != len(theirs) || len(packed) > 0 && !bytes.Equal(packed[:len(packed)-1], theirs[:len(packed)-1]) {
			t.Fatalf("packed %q: they write % x, we % x", text, theirs, packed)
		}
	}
}
