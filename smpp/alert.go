package smpp

import (
	"maskline/routing"
	"maskline/smpp/pdu"
)

// tagMSAvailability says whether the subscriber can be reached.
// SMPP 3.4 §5.3.2.30
const tagMSAvailability pdu.Tag = 0x0422

// handleAlert passes on an alert_notification: a party can be reached again.
// Who asked for it was told a mask, so the mask leads to the account, as it
// does for a message, and the account hears the party's mask. There is no
// response. SMPP 3.4 §4.12.1
func (s *session) handleAlert(t *turn, body []byte) {
	passed := s.dialer != nil && s.terms.canTake && s.edge.passAlert(t, s, body)
	s.edge.metrics.alerted(passed)
}

func (e *Edge) passAlert(t *turn, from *session, body []byte) bool {
	var alert pdu.Alert
	if alert.Decode(body) != nil {
		return false
	}
	m := e.messages.get()
	defer e.messages.put(m)
	t.request.Service, t.request.Origin, t.request.Now = routing.SMS, from.terms.origin, t.now
	introduce(&t.request, alert.Source)
	hush(&t.request)
	m.address(&t.request, &pdu.Message{Source: alert.Source, Destination: alert.ESME}, from.terms.numbers)
	e.router.Decide(&t.request, &m.plan)
	if m.plan.Verdict != routing.Forward || m.plan.To.Kind != routing.ToAccount {
		return false // towards carriers there is no such PDU
	}
	to := e.account(m.plan.To.Name)
	if to == nil {
		return false
	}
	s := to.receiver()
	if s == nil {
		return false
	}
	var out pdu.Alert
	var source, esme bool
	out.Source, source = s.terms.written(m.plan.Present)
	out.ESME, esme = s.terms.written(m.plan.Mask)
	if !source || !esme {
		return false
	}
	if status, ok := alert.TLVs.Find(tagMSAvailability); ok && len(status) == 1 && s.terms.version >= pdu.Version34 {
		out.TLVs = pdu.AppendTLV(nil, tagMSAvailability, status)
	}
	s.mu.Lock()
	sequence := s.window.next()
	s.mu.Unlock()
	s.append(t, pdu.AlertNotification, pdu.ROK, func(dst []byte) []byte {
		b, _ := out.Append(dst, sequence) // numbers fit
		return b
	})
	return true
}

// receiver is a bind that the account hears messages on, nil where there is none.
func (a *account) receiver() *session {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.binds {
		if s == nil {
			continue
		}
		s.mu.Lock()
		fit := s.maySend() && s.terms != nil && s.terms.canSend && s.out.hasRoom()
		s.mu.Unlock()
		if fit {
			return s
		}
	}
	return nil
}
