package routing

// Verdict is what became of a request.
type Verdict uint8

// The verdicts. All but Forward and those that are Temporary are final: asking again gives
// the same answer until a binding or the configuration changes.
const (
	Forward          Verdict = iota
	UnknownMask              // the dialled number is no mask of ours
	OutOfSession             // the mask lives, this party has no binding
	Ended                    // this party's binding has expired
	ServiceOff               // the binding does not carry this service
	NotAllowed               // the mask is another tenant's
	Loop                     // the destination is itself a mask, or the message comes back to us
	EmergencyRefused         // an emergency string, and no emergency trunk may take it
	NoCarrier                // no carrier that serves the destination is fit now
	Blocked                  // the operator allows no contact of this party or mask
	OptedOut                 // the receiver wants no messages of this tenant or from this sender
	RuleRefused              // a rule of the configuration does not let it pass
	OptOut                   // the sender's own opt-out word: acknowledged, and goes nowhere
	OptIn                    // the sender's word that takes its opt-out back, likewise
	Help                     // the sender's word that asks for help: acknowledged, answered, and goes nowhere
	OptOutFull               // the sender's opt-out word, and no room to keep it now
	FirstContact             // the sender is new to the public mask: Router.Open, then again
	SpendLimit               // the tenant has spent what it may in a day
	verdicts
)

var verdictNames = [verdicts]string{
	"forward", "unknown_mask", "out_of_session", "ended", "service_off",
	"not_allowed", "loop", "emergency_refused", "no_carrier",
	"blocked", "opted_out", "rule", "opt_out", "opt_in", "help", "opt_out_full",
	"first_contact", "spend_limit",
}

// String is the name used in logs and metrics.
func (v Verdict) String() string {
	if v < verdicts {
		return verdictNames[v]
	}
	return "invalid"
}

// Verdicts lists all of them, for tables that must be complete.
func Verdicts() []Verdict {
	all := make([]Verdict, verdicts)
	for i := range all {
		all[i] = Verdict(i)
	}
	return all
}

// isRefusal reports whether a contact of somebody is refused for good.
func (v Verdict) isRefusal() bool {
	switch v {
	case OutOfSession, Ended, ServiceOff, Blocked, OptedOut, RuleRefused:
		return true
	default:
		return false
	}
}

// Temporary reports whether the same request may succeed later.
func (v Verdict) Temporary() bool {
	return v == NoCarrier || v == OptOutFull || v == FirstContact || v == SpendLimit
}
