package smpp

import (
	"maskline/routing"
	"maskline/smpp/pdu"
)

// refusal is why a message is not taken or not delivered. It has one status
// towards accounts; carriers hear only which of their three codes it is.
type refusal uint8

const (
	notRefused     refusal = iota
	temporarily            // try again: nobody could take it now
	throttled              // more than the limits allow
	overQuota              // more than the day's quota
	badDestination         // no such mask or party, or not for this sender
	badSource              // the sender's address, or a mask that is not the sender's
	badLength
	badESMClass
	badPriority
	badSchedule // scheduled delivery, which nobody here does
	badValidity
	badDefaultID // a message predefined at the SMSC
	badParameter // a TLV of the wrong length
	notCarried   // content that never passes, or refused downstream without reason
	refusals
)

// status is what an account is told.
func (r refusal) status() pdu.Status {
	switch r {
	case notRefused:
		return pdu.ROK
	case temporarily:
		return pdu.RSysErr
	case throttled:
		return pdu.RThrottled
	case overQuota:
		return pdu.RSubmitFail
	case badDestination:
		return pdu.RInvDstAdr
	case badSource:
		return pdu.RInvSrcAdr
	case badLength:
		return pdu.RInvMsgLen
	case badESMClass:
		return pdu.RInvEsmClass
	case badPriority:
		return pdu.RInvPrtFlg
	case badSchedule:
		return pdu.RInvSched
	case badValidity:
		return pdu.RInvExpiry
	case badDefaultID:
		return pdu.RInvDftMsgID
	case badParameter:
		return pdu.RInvParLen
	default:
		return pdu.RSubmitFail
	}
}

// replies are the statuses that one peer is answered with.
type replies struct {
	carrier *Reply // nil: an account
}

func accountReplies() replies            { return replies{} }
func carrierReplies(reply Reply) replies { return replies{&reply} }

func (p *replies) of(r refusal) pdu.Status {
	switch {
	case r == notRefused || p.carrier == nil:
		return r.status()
	case r == temporarily:
		return p.carrier.Temporary
	case r == throttled:
		return p.carrier.Throttled
	default:
		return p.carrier.Permanent
	}
}

// as puts a status that another bind of the same peer would hear in this one's
// codes.
func (p *replies) as(s pdu.Status, other *replies) pdu.Status {
	switch {
	case s == pdu.ROK || p.carrier == nil || other.carrier == nil:
		return s
	case s == other.carrier.Temporary:
		return p.carrier.Temporary
	case s == other.carrier.Throttled:
		return p.carrier.Throttled
	default:
		return p.carrier.Permanent
	}
}

// refusalOf translates routing's verdicts.
func refusalOf(v routing.Verdict) refusal {
	switch v {
	case routing.Forward, routing.OptOut, routing.OptIn, routing.Help:
		return notRefused
	case routing.NoCarrier, routing.OptOutFull, routing.FirstContact, routing.SpendLimit:
		return temporarily
	case routing.NotAllowed:
		return badSource
	case routing.Blocked, routing.OptedOut, routing.RuleRefused:
		return notCarried
	default: // unknown mask, out of session, ended, service off, loop, emergency
		return badDestination
	}
}

// attempt is what a downstream's status means for the message.
type attempt uint8

const (
	taken     attempt = iota // the downstream has the message
	final                    // the message or its subscriber is refused, here as anywhere
	elsewhere                // this downstream refuses; another may not
	busy                     // not now, through no fault of the downstream
	faulty                   // not now: the downstream is in trouble
)

// attemptOf classes the statuses of responses. What it does not know is
// temporary: another carrier may take the message, and the upstream keeps it.
func attemptOf(s pdu.Status) attempt {
	switch s {
	case pdu.ROK:
		return taken
	case pdu.RInvMsgLen, pdu.RInvDstAdr, pdu.RInvDstTON, pdu.RInvDstNPI, pdu.RInvEsmClass, pdu.RInvPrtFlg,
		pdu.RInvSched, pdu.RInvExpiry, pdu.RInvDftMsgID, pdu.RxPAppn, pdu.RxRAppn:
		return final
	case pdu.RInvSrcAdr, pdu.RInvSrcTON, pdu.RInvSrcNPI, pdu.RInvSerTyp, pdu.RInvSysTyp, pdu.RInvRegDlvFlg,
		pdu.RInvOptParStream, pdu.ROptParNotAllwd, pdu.RInvParLen, pdu.RMissingOptParam, pdu.RInvOptParamVal:
		return elsewhere
	case pdu.RSysErr, pdu.RUnknownErr, pdu.RInvBndSts, pdu.RAlyBnd, pdu.RInvCmdLen, pdu.RInvCmdID,
		pdu.RBindFail, pdu.RInvPaswd, pdu.RInvSysID:
		return faulty
	default: // throttled, queue full, submit failed, temporary, unknown ones
		return busy
	}
}

// refusalByStatus translates a downstream's definite refusal for the upstream.
func refusalByStatus(s pdu.Status) refusal {
	switch s {
	case pdu.RInvMsgLen:
		return badLength
	case pdu.RInvDstAdr, pdu.RInvDstTON, pdu.RInvDstNPI:
		return badDestination
	case pdu.RInvSrcAdr, pdu.RInvSrcTON, pdu.RInvSrcNPI:
		return badSource
	case pdu.RInvEsmClass:
		return badESMClass
	case pdu.RInvPrtFlg:
		return badPriority
	case pdu.RInvExpiry:
		return badValidity
	default:
		return notCarried
	}
}
