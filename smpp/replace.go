package smpp

import (
	"maskline/routing"
	"maskline/smpp/pdu"
)

// sentAs is what a carrier was told of a message's content. A replace_sm has no
// data_coding and no esm_class, so the new text is read by those of the old one.
type sentAs struct {
	coding byte
	plain  bool // in one PDU, without a user data header, no segment
}

// replacement is why a replace_sm went no further.
type replacement uint8

const (
	replacementRuled replacement = iota // by routing's rules, or the message would go elsewhere now
	replacementUnfit                    // the carrier cannot be sent the text
	replacements
)

// String is the label in metrics.
func (r replacement) String() string { return [replacements]string{"ruled", "unfit"}[r] }

// judgeReplacement says why a replace_sm is not passed on: its new text meets the
// rules that a message of the account to that destination meets. Whether its
// carrier can be reached is not asked here.
func (e *Edge) judgeReplacement(t *turn, op *operation, sub *submission, r *pdu.Replace) pdu.Status {
	switch {
	case len(r.ScheduleDeliveryTime) > 0:
		return badSchedule.status()
	case !wellFormedTime(r.ValidityPeriod):
		return badValidity.status()
	case r.DefaultMessageID != 0:
		return badDefaultID.status()
	}
	m := e.messages.get()
	defer e.messages.put(m)
	m.up, m.zero = op.up, op.up.terms.zero
	t.in = pdu.Message{Source: sub.source.address(), Destination: sub.destination.address(), DataCoding: sub.coding, ShortMessage: r.ShortMessage}
	e.decide(t, m)
	verdict := m.plan.Verdict
	goesOn := verdict == routing.Forward && m.plan.To.Kind == routing.ToNumber || verdict == routing.NoCarrier
	if !goesOn || !m.plan.Presents(sub.presented) {
		e.metrics.replaced[replacementRuled].Inc()
		return pdu.RReplaceFail
	}
	return pdu.ROK
}

// rewrite writes the new text as the carrier reads it, by the coding that the
// message was sent with. It returns false where that is not possible, or the text
// would not be one short message there.
func (r *operationRequest) rewrite(sh *shape, sub *submission, from, to *terms) bool {
	if !sub.sent.plain {
		return false
	}
	r.text = r.replace.ShortMessage
	read, written := pdu.AlphabetOf(sub.coding, from.zero), pdu.AlphabetOf(sub.sent.coding, to.zero)
	recoded := read != written
	if recoded {
		var err error
		if sh.read, err = pdu.AppendText(sh.read[:0], r.text, nil, sub.coding, from.zero); err != nil {
			return false
		}
		if sh.coded, err = pdu.AppendEncoded(sh.coded[:0], sh.read, written); err != nil {
			return false
		}
		r.text = sh.coded
	}
	carried := carriedAs(sub.sent.coding, to.zero)
	fits := pdu.Units(carried, r.text) <= pdu.Room(carried, 0)
	asItCame := !recoded && (to.long == LongAsItCame || to.long == LongPayload)
	return len(r.text) <= pdu.MaxText && (fits || asItCame)
}
