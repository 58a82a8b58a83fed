package smpp

import (
	"slices"

	"maskline/smpp/pdu"
)

// serviceUSSD is the service_type of USSD dialogues. SMPP 3.4 §5.2.11
const serviceUSSD = "USSD"

// The TLVs of a USSD dialogue. SMPP 3.4 §5.3.2.44, §5.3.2.42, §5.3.2.43
const (
	tagUSSDServiceOp  pdu.Tag = 0x0501
	tagITSReplyType   pdu.Tag = 0x1380
	tagITSSessionInfo pdu.Tag = 0x1383
)

// ussdSize is the length of a TLV of USSD, 0 for all others.
func ussdSize(tag pdu.Tag) int {
	switch tag {
	case tagUSSDServiceOp, tagITSReplyType:
		return 1
	case tagITSSessionInfo:
		return 2
	default:
		return 0
	}
}

// takeUSSD keeps what makes the message a step of a USSD dialogue, where the
// bind that it came on may send such; elsewhere it stays behind, as every
// service_type and unknown TLV does.
func (m *message) takeUSSD(in *pdu.Message) refusal {
	if !m.up.terms.ussd {
		return notRefused
	}
	m.isUSSD = string(in.ServiceType) == serviceUSSD
	for tag, value := range in.TLVs.All() {
		size := ussdSize(tag)
		if size == 0 {
			continue
		}
		if len(value) != size {
			return badParameter
		}
		m.isUSSD = true
		if _, again := m.ussd.Find(tag); !again {
			m.ussd = pdu.AppendTLV(m.ussd, tag, value)
		}
	}
	return notRefused
}

// addUSSD writes it to a bind that takes such messages.
func (m *message) addUSSD(out *pdu.Message, t *terms) {
	if !m.isUSSD || !t.ussd {
		return
	}
	out.ServiceType = []byte(serviceUSSD)
	if len(m.ussd) > 0 {
		out.TLVs = append(slices.Clone(m.ussd), out.TLVs...)
	}
}

// fitsUSSD reports whether the bind may carry the message: as an ordinary SMS a
// step of a dialogue would reach the party out of place.
func (m *message) fitsUSSD(t *terms) bool {
	return !m.isUSSD || t.ussd && (t.version >= pdu.Version34 || len(m.ussd) == 0)
}

// refusesUSSD reports whether no bind of the destination takes the message,
// which is then not to wait for one.
func (d *destination) refusesUSSD(m *message) bool {
	if !m.isUSSD {
		return false
	}
	b := d.binds.Load()
	fits := func(s *session) bool { return m.fitsUSSD(s.terms) }
	return !b.empty() && !slices.ContainsFunc(b.primary, fits) && !slices.ContainsFunc(b.backup, fits)
}
