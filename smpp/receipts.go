package smpp

import (
	"time"

	"maskline/smpp/pdu"
)

// receiptJob is what a message needs besides, where it is a receipt on its way
// to an originator.
type receiptJob struct {
	account *account
	held    HeldReceipt
	durable bool    // it is in the journal
	joiner  *joiner // where it was joined; nil where we wrote it ourselves
	key     joinKey
	note    Submission // for the journal, where it was joined
}

// receiptResult is what became of a receipt, for the metrics.
type receiptResult uint8

const (
	receiptDelivered  receiptResult = iota // the originator has it
	receiptHeld                            // it waits, durably; it will end in another way
	receiptRefused                         // the originator refuses it for good
	receiptExpired                         // it waited too long
	receiptDropped                         // no room to hold one that nobody else has
	receiptReturned                        // no room to hold it: left with its carrier
	receiptUnknown                         // it names no message of ours, yet; it is parked
	receiptUnjoined                        // and never did
	receiptRepeated                        // a final one was passed on before
	receiptUnwanted                        // the originator did not ask for it
	receiptUnreadable                      // it holds no message id
	receiptNameless                        // a carrier accepted a message without naming it
	receiptForgotten                       // a message was too old or one too many to be joined
	receiptResults
)

// String is the name in metrics.
func (r receiptResult) String() string {
	return [receiptResults]string{
		"delivered", "held", "refused", "expired", "dropped", "returned", "unknown",
		"unjoined", "repeated", "unwanted", "unreadable", "nameless", "forgotten",
	}[r]
}

// submitted notes a message whose originator wants receipts. A carrier's
// receipt will be joined with it; where an account has the message, or a SIP peer
// (no session), nobody else will write one, so it is written here.
func (e *Edge) submitted(t *turn, s *session, sub *submission, remoteID []byte) {
	if s == nil || s.terms.bind == nil {
		e.receiptFor(t, sub, pdu.Receipt{State: pdu.Delivered, Done: t.now})
		return
	}
	if len(remoteID) == 0 { // none, or one longer than the specification allows
		e.metrics.receipts[receiptNameless].Inc()
		return
	}
	j := s.terms.carrier.joiner
	normal := s.terms.bind.Receipts.AppendResponseID(t.id[:0], remoteID)
	sub.key = j.key(normal)
	if s.dialer != nil && s.dialer.index <= 0xFF {
		sub.bind = uint8(s.dialer.index)
		sub.remote.set(remoteID)
	}
	e.journal.Sent(e.note(s.terms.carrier, string(normal), sub)) // first: its receipt may come at once
	early, forgotten := j.add(*sub)
	e.metrics.receipts[receiptForgotten].Add(float64(forgotten))
	e.joinEarly(t, s.terms.carrier, early)
}

func (e *Edge) note(c *carrier, remoteID string, s *submission) Submission {
	account := ownName
	if s.account != ownAccount {
		account = e.accountAt(s.account).cfg.SystemID
	}
	return Submission{
		Carrier: c.cfg.Name, RemoteID: remoteID, LocalID: s.local, Account: account,
		Source: s.source.export(), Destination: s.destination.export(), Wants: s.wants,
		At: time.UnixMilli(s.at), Final: s.ended != notEnded,
	}
}

func (i *inlineAddress) export() Address {
	return Address{TON: i.ton, NPI: i.npi, Digits: string(i.digits[:i.length])}
}

func importAddress(a Address) inlineAddress {
	return inline(pdu.Address{TON: a.TON, NPI: a.NPI, Digits: []byte(a.Digits)})
}

// joinEarly passes on the receipts that came before their response, in the
// order in which they came. Their carrier was answered already.
func (e *Edge) joinEarly(t *turn, c *carrier, early *parked) {
	var list []*parked
	for p := early; p != nil; p = p.more {
		list = append(list, p)
	}
	for i := len(list) - 1; i >= 0; i-- {
		p := list[i]
		sub, how := c.joiner.join(p.key, []byte(p.remoteID), &p.receipt, t.at)
		switch how {
		case joinFound:
			e.joined(t, c, nil, &sub, p.receipt, p.remoteID)
		case joinRepeated, joinUnderWay:
			e.metrics.receipts[receiptRepeated].Inc()
		case joinParked: // its message was forgotten at once
		case joinParkedOut:
			e.metrics.receipts[receiptUnjoined].Inc()
		}
	}
}

// handleReceipt takes on a carrier's receipt; t.in holds it. It is answered
// when the originator has it or the journal keeps it.
func (s *session) handleReceipt(t *turn, h pdu.Header) {
	e, c := s.edge, s.terms.carrier
	r, ok := readReceipt(&t.in)
	if !ok {
		e.settleReceipt(t, s, h, receiptUnreadable)
		return
	}
	r.Done = t.now // the SMSC's own clock has no known time zone
	normal := s.terms.bind.Receipts.AppendReceiptID(t.id[:0], r.MessageID)
	sub, how := c.joiner.join(c.joiner.key(normal), normal, &r, t.at)
	switch how {
	case joinRepeated:
		e.settleReceipt(t, s, h, receiptRepeated)
	case joinUnderWay: // the first one may fail, and then this is the one to send again
		e.metrics.receipts[receiptReturned].Inc()
		s.answer(t, h.Command, s.terms.replies.of(temporarily), h.Sequence, nil)
	case joinParked:
		e.settleReceipt(t, s, h, receiptUnknown)
	case joinParkedOut:
		e.metrics.receipts[receiptUnjoined].Inc()
		e.settleReceipt(t, s, h, receiptUnknown)
	default:
		m := e.messages.get()
		m.up, m.sequence, m.command = s, h.Sequence, h.Command
		e.joined(t, c, m, &sub, r, string(normal))
	}
}

// settleReceipt answers a receipt that goes nowhere.
func (e *Edge) settleReceipt(t *turn, s *session, h pdu.Header, how receiptResult) {
	e.metrics.receipts[how].Inc()
	s.answer(t, h.Command, pdu.ROK, h.Sequence, nil)
}

// joined passes a receipt on to the originator of its message. m carries who
// waits for an answer; nil: nobody.
func (e *Edge) joined(t *turn, c *carrier, m *message, sub *submission, r pdu.Receipt, remoteID string) {
	if !wanted(sub.wants, r.State) {
		e.metrics.receipts[receiptUnwanted].Inc()
		c.receiptTime(sub, &r, t.now)
		if r.State.Final() {
			c.joiner.settle(sub.key, sub.local, hasEnded)
		}
		if m != nil {
			m.up.answer(t, m.command, pdu.ROK, m.sequence, nil)
			e.messages.put(m)
		}
		return
	}
	if sub.account == ownAccount {
		e.reportOwn(t, c, m, sub, &r, remoteID)
		return
	}
	if m == nil {
		m = e.messages.get()
	}
	c.receiptTime(sub, &r, t.now)
	job := e.receiptJob(sub, r)
	job.joiner, job.key, job.note = c.joiner, sub.key, e.note(c, remoteID, sub)
	job.note.Final = r.State.Final()
	e.sendReceipt(t, m, job)
}

// receiptTime measures a carrier by its final receipts.
func (c *carrier) receiptTime(sub *submission, r *pdu.Receipt, now time.Time) {
	if r.State.Final() {
		c.peer.receiptDelay.Observe(max(now.Sub(time.UnixMilli(sub.at)), 0).Seconds())
	}
}

// receiptFor passes on a receipt that we write ourselves.
func (e *Edge) receiptFor(t *turn, sub *submission, r pdu.Receipt) {
	if wanted(sub.wants, r.State) {
		e.sendReceipt(t, e.messages.get(), e.receiptJob(sub, r))
	}
}

// wanted reports whether an originator asked for a receipt of this state.
// SMPP 3.4 §5.2.17
func wanted(wants byte, s pdu.State) bool {
	if !s.Final() {
		return wants&pdu.RegisteredIntermediate != 0
	}
	switch wants & pdu.RegisteredMask {
	case pdu.RegisteredBoth:
		return true
	case pdu.RegisteredFailure:
		return s != pdu.Delivered
	case pdu.RegisteredSuccess:
		return s == pdu.Delivered
	default:
		return false
	}
}

func (e *Edge) receiptJob(sub *submission, r pdu.Receipt) *receiptJob {
	a := e.accountAt(sub.account)
	return &receiptJob{
		account: a,
		held: HeldReceipt{
			Account: a.cfg.SystemID, LocalID: sub.local,
			Source: sub.destination.export(), Destination: sub.source.export(),
			State: r.State, NetworkType: r.NetworkType, ErrorCode: r.ErrorCode, ErrorWord: string(r.ErrorWord),
			Submitted: time.UnixMilli(sub.at), Done: r.Done,
		},
	}
}

// sendReceipt makes the one attempt to deliver a receipt now.
func (e *Edge) sendReceipt(t *turn, m *message, job *receiptJob) {
	m.receipt = job
	m.answerBy = t.at + int64(e.cfg.AnswerWithin/2) // the rest is the journal's
	m.fillReceipt()
	m.to = job.account.peer
	if !job.account.destination.offer(t, m, true) {
		e.receiptFailed(t, m)
	}
}

// fillReceipt builds the deliver_sm: our message id, from the address that the
// originator wrote to, in text and as TLVs.
func (m *message) fillReceipt() {
	h := &m.receipt.held
	m.reserve(512)
	var id [20]byte
	r := receiptOf(h, id[:0])
	m.source = pdu.Address{TON: h.Source.TON, NPI: h.Source.NPI, Digits: m.keep([]byte(h.Source.Digits))}
	m.destination = pdu.Address{TON: h.Destination.TON, NPI: h.Destination.NPI, Digits: m.keep([]byte(h.Destination.Digits))}
	start := len(m.data)
	m.data = r.AppendText(m.data, h.Submitted)
	m.payload = m.data[start:len(m.data):len(m.data)]
	start = len(m.data)
	m.data = r.AppendTLVs(m.data)
	m.tlvs = pdu.TLVs(m.data[start:len(m.data):len(m.data)])
	m.esmClass = r.ESMClass()
	m.protocolID, m.priority, m.dataCoding = 0, 0, 0
	m.sticky, m.seed = m.receipt.durable, 0 // what waited keeps its order: all over one bind
}

// receiptAnswered ends the attempt by the originator's response.
func (e *Edge) receiptAnswered(t *turn, m *message, status pdu.Status) {
	switch attemptOf(status) {
	case taken:
		e.receiptDone(t, m, receiptDelivered)
	case final, elsewhere:
		e.receiptDone(t, m, receiptRefused)
	default:
		e.receiptFailed(t, m)
	}
}

// receiptDone ends a receipt for good and answers its carrier.
func (e *Edge) receiptDone(t *turn, m *message, how receiptResult) {
	e.metrics.receipts[how].Inc()
	job := m.receipt
	if job.durable {
		e.journal.Forget(job.held.ID)
	}
	e.noteFinal(job)
	if m.up != nil {
		m.up.answer(t, m.command, pdu.ROK, m.sequence, nil)
	}
	e.messages.put(m)
	if job.durable {
		job.account.held.settled()
		job.account.pump(t)
	}
}

// receiptFailed ends an attempt that did not reach the originator: the receipt
// waits, and its carrier is answered once that is durable.
func (e *Edge) receiptFailed(t *turn, m *message) {
	job := m.receipt
	if job.durable {
		e.messages.put(m)
		job.account.held.giveBack(job.held, t.at+int64(heldRetry))
		return
	}
	if !job.account.held.reserve() {
		e.receiptUnheld(t, m)
		return
	}
	job.held.ID, job.held.Held = e.ids.next(), t.now
	e.journal.Hold(job.held, func(err error) {
		t := e.newTurn()
		defer t.flush()
		if err != nil && m.up != nil {
			job.account.held.unreserve()
			e.receiptUnheld(t, m)
			return
		}
		// Where nobody else has it any more, it waits in memory at least.
		e.metrics.receipts[receiptHeld].Inc()
		e.noteFinal(job)
		if m.up != nil {
			m.up.answer(t, m.command, pdu.ROK, m.sequence, nil)
		}
		e.messages.put(m)
		job.account.held.add(job.held)
		job.account.pump(t)
	})
}

// noteFinal lets the joiner and the journal know that a message has had its last
// receipt, so that it is not passed on twice, after a restart neither.
func (e *Edge) noteFinal(job *receiptJob) {
	if job.joiner != nil && job.note.Final {
		job.joiner.settle(job.key, job.note.LocalID, hasEnded)
		e.journal.Sent(job.note)
	}
}

// receiptUnheld leaves the receipt with its carrier, which sends it again. One
// that nobody waits for and that there is no room for is lost, and counted.
func (e *Edge) receiptUnheld(t *turn, m *message) {
	job := m.receipt
	if job.joiner != nil && job.note.Final {
		job.joiner.settle(job.key, job.note.LocalID, notEnded)
	}
	if m.up != nil {
		e.metrics.receipts[receiptReturned].Inc()
		m.up.answer(t, m.command, m.up.terms.replies.of(temporarily), m.sequence, nil)
	} else {
		e.metrics.receipts[receiptDropped].Inc()
	}
	e.messages.put(m)
}
