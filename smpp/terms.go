package smpp

import (
	"time"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// terms is what a bind settled: who the peer is and what each side may do. It
// never changes afterwards.
type terms struct {
	peer     *peer
	origin   *routing.Origin
	account  *account    // a peer bound to us; nil where we bound
	carrier  *carrier    // the carrier that the peer is or belongs to; nil for tenants
	bind     *BindConfig // we bound; nil where a peer bound to us
	bindType BindType    // as the side that bound named it

	sends    pdu.Command    // what messages to the peer are sent as
	canSend  bool           // the peer takes messages
	canTake  bool           // the peer may send messages
	feeds    []*destination // the destinations that it serves
	version  byte           // interface_version in use
	ton, npi byte           // of the addresses that we write
	replies  replies
	ussd     bool // steps of USSD dialogues pass
	format        // how messages are written and read

	window          int
	tps             int
	enquireLink     time.Duration
	responseTimeout time.Duration
}

// accountTerms are those of a peer that bound to us (SMSC role).
func (e *Edge) accountTerms(a *account, request pdu.Command, version byte) *terms {
	t := &terms{
		peer: a.peer, origin: &a.origin, account: a, carrier: a.carrier,
		sends:   pdu.DeliverSM,
		canSend: request != pdu.BindTransmitter,
		canTake: request != pdu.BindReceiver,
		feeds:   []*destination{a.destination},
		version: version, ton: 1, npi: 1,
		replies: accountReplies(), format: a.format(version), ussd: a.settings.Load().USSD,
		window: a.settings.Load().Window, enquireLink: e.cfg.EnquireLink, responseTimeout: e.cfg.AnswerWithin,
	}
	switch request {
	case pdu.BindTransmitter:
		t.bindType = Transmitter
	case pdu.BindReceiver:
		t.bindType = Receiver
	default:
		t.bindType = Transceiver
	}
	if a.carrier != nil && a.carrier.servedByAccounts() {
		t.feeds = append(t.feeds, a.carrier.destination)
	}
	return t
}

// bindTerms are those of a bind of ours (ESME role).
func (c *carrier) bindTerms(b *BindConfig, version byte) *terms {
	return &terms{
		peer: c.peer, origin: &c.origin, carrier: c, bind: b, bindType: b.BindType,
		sends:   pdu.SubmitSM,
		canSend: b.BindType != Receiver,
		canTake: b.BindType != Transmitter,
		feeds:   []*destination{c.destination},
		version: version, ton: *b.TON, npi: *b.NPI,
		replies: carrierReplies(b.Reply), format: b.format(version), ussd: b.USSD,
		window: b.Window, tps: b.TPS, enquireLink: b.EnquireLink, responseTimeout: b.ResponseTimeout,
	}
}

// command is the bind request for a type of bind.
func (b BindType) command() pdu.Command {
	switch b {
	case Transmitter:
		return pdu.BindTransmitter
	case Receiver:
		return pdu.BindReceiver
	default:
		return pdu.BindTransceiver
	}
}
