package smpp

import (
	"hash/maphash"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// hear gives routing's rules what they may ask of a message beyond its
// addresses.
func (e *Edge) hear(t *turn, m *message) {
	req := &t.request
	introduce(req, t.in.Source)
	req.Text = &t.spoken
	t.spoken.zero = m.zero
	req.Part = m.concat.Total > 1
	m.fingerprint = e.fingerprint(&t.in, seed(req.From, req.To, req.Sender))
	req.Fingerprint = m.fingerprint
}

// introduce says who sends.
func introduce(req *routing.Request, source pdu.Address) {
	req.Sender = source.Digits
	req.Named = source.TON == pdu.TONAlphanumeric || !digitsOnly(req.Sender)
}

// hush makes the request one without a text: a turn's has that of its last message.
func hush(req *routing.Request) { req.Text, req.Part, req.Fingerprint = nil, false, 0 }

// fingerprint stands for a message's addresses, header and text. It tells
// nothing of them to who does not know the key, which ends with the process.
func (e *Edge) fingerprint(in *pdu.Message, addresses uint64) uint64 {
	return max(mix(maphash.Bytes(e.printKey, in.Payload())^addresses), 1)
}

func digitsOnly(s []byte) bool {
	for i, c := range s {
		if (c < '0' || c > '9') && (i > 0 || c != '+') {
			return false
		}
	}
	return true
}

// spoken is the text of the request that a turn works on.
type spoken struct {
	in   *pdu.Message
	zero Encoding // what data_coding 0 means to who sent it
}

// Octets is the length of the payload, its header included.
func (s *spoken) Octets() int { return len(s.in.Payload()) }

// AppendText decodes the beginning of the text; binary content has none.
func (s *spoken) AppendText(dst []byte, characters int) []byte {
	text := s.in.Payload()
	var header pdu.UDH
	if s.in.ESMClass&pdu.ESMUDHI != 0 {
		var err error
		if header, text, err = pdu.SplitUDH(text); err != nil {
			return dst
		}
	}
	octets := characters
	if pdu.AlphabetOf(s.in.DataCoding, s.zero) == pdu.UCS2 {
		octets *= 2
	}
	out, err := pdu.AppendText(dst, text[:min(octets, len(text))], header, s.in.DataCoding, s.zero)
	if err != nil {
		return dst
	}
	return out
}

// ruled ends a message that routing does not let through.
func (e *Edge) ruled(t *turn, m *message) {
	switch {
	case m.plan.Answer.Drop:
		e.drop(t, m)
	case m.plan.Answer.Status != 0:
		e.end(t, m, outcomeRefused, m.up.terms.replies.named(pdu.Status(m.plan.Answer.Status)), 0)
	default:
		e.refuse(t, m, refusalOf(m.plan.Verdict))
	}
}

// named is a status that a rule names, for accounts; carriers hear only that
// the refusal is for good.
func (p *replies) named(s pdu.Status) pdu.Status {
	if p.carrier == nil {
		return s
	}
	return p.carrier.Permanent
}
