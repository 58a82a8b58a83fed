package leak

import (
	"slices"
	"strings"

	"maskline/e164"
	"maskline/smpp/pdu"
)

// Watch knows the real numbers of all parties and judges single frames that the
// edge sent: a frame may hold the number of the party that it is addressed to,
// and of nobody else.
type Watch struct {
	parties []e164.Number
	scanner *Scanner
}

// NewWatch watches over parties.
func NewWatch(parties ...e164.Number) *Watch {
	return &Watch{parties: parties, scanner: NewScanner(parties...)}
}

// SMPP judges a PDU that the edge sent to a peer who knows the numbers known,
// having written to them itself. Beside these only a submit_sm or data_sm has an
// addressee whose number may be seen: its destination.
func (w *Watch) SMPP(frame []byte, known ...e164.Number) []Finding {
	if len(frame) < pdu.HeaderLen {
		return w.others(frame, known...)
	}
	var addressee e164.Number
	var m pdu.Message
	var d pdu.Data
	command, body := pdu.ParseHeader(frame).Command, frame[pdu.HeaderLen:]
	if command == pdu.SubmitSM && m.Decode(body) == nil {
		addressee, _ = e164.Parse(m.Destination.Digits)
	} else if command == pdu.DataSM && d.Decode(body) == nil {
		addressee, _ = e164.Parse(d.Destination.Digits)
	}
	// Not the header: a sequence number with what follows may look like digits
	// in semi-octets.
	return w.others(body, append(known, addressee)...)
}

// SIP judges a message that the edge sent: the addressee of a request is in To,
// that of a response in From.
func (w *Watch) SIP(message []byte) []Finding {
	text := string(message)
	header := "to"
	if strings.HasPrefix(text, "SIP/2.0 ") {
		header = "from"
	}
	return w.others(message, numberIn(text, header))
}

// Text judges what nobody's number may be in: logs, metrics.
func (w *Watch) Text(text []byte) []Finding { return w.scanner.Find(text) }

func (w *Watch) others(data []byte, known ...e164.Number) []Finding {
	var all []Finding
	for _, f := range w.scanner.Find(data) {
		if !slices.Contains(known, w.parties[f.Number]) {
			all = append(all, f)
		}
	}
	return all
}

// numberIn reads the number in the URI of a header, in full or compact form.
func numberIn(message, header string) e164.Number {
	for line := range strings.SplitSeq(message, "\r\n") {
		name, value, found := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if !found || name != header && name != header[:1] {
			continue
		}
		_, uri, _ := strings.Cut(value, "sip:")
		user, _, _ := strings.Cut(uri, "@")
		n, _ := e164.Parse(user)
		return n
	}
	return 0
}
