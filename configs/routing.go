package configs

import "time"

// Routing says how carriers are chosen, and what is answered where nothing can be.
type Routing struct {
	// What ranks carriers with equally long prefixes first: cost, then the quality of imported prefixes, then
	// priority; or priority alone. Default priority.
	Order Order `key:"order"`
	// Carriers whose quality for the destination is known and below this are left out; 0: off. Default 0.
	MinQuality int `key:"min_quality" default:"0" min:"0" max:"100" live:"true"`
	// What a slow downstream may hold of an upstream's window.
	Share Share `key:"share"`
	// The mask is not known.
	UnknownMask Answer `key:"unknown_mask"`
	// The mask lives, but this caller has no binding.
	OutOfSession Answer `key:"out_of_session"`
	// The binding has ended.
	EndedSession Answer `key:"ended_session"`
	// Messages that go round.
	Loop Loop `key:"loop"`
	// The words by which a party ends messages.
	OptOut OptOut `key:"opt_out"`
	// Opt-outs in memory beyond which new ones are refused for now, so that their senders' networks keep
	// them; 0: no limit. Default 1000000.
	MaxOptOuts int `key:"max_opt_outs" default:"1000000" min:"0" max:"1000000000" live:"true"`
	// Texts to leased masks that are one-time codes of somebody else's service: not looked at, told in the
	// audit and metrics, or refused as well. Default off.
	ThirdPartyCodes ThirdPartyCodes `key:"third_party_codes" live:"true"`
	// Words of the operator's and tenants' own services: a text with one of them is nobody else's code. Default empty.
	OwnCodes []Word `key:"own_codes" live:"true"`
	// Rules of the operator's own, asked in this order.
	Rules []Rule `key:"rules" live:"whole"`
	// What people hear of the edge itself.
	Voice Voice `key:"voice" live:"true"`
	// Emergency calls.
	Emergency Emergency `key:"emergency"`
	// When a carrier is left alone for a while.
	Breaker Breaker `key:"breaker"`
}

// Share is what a slow downstream may hold of an upstream's window. Beyond it
// the next candidate is tried, else the answer is temporary at once.
type Share struct {
	// Part of the window of each upstream bind, at least one message; 0: no such limit. Default 0.
	Of float64 `key:"of" default:"0" min:"0" max:"1"`
	// Age of its oldest unanswered message that makes a downstream slow, where it answers no other sooner
	// meanwhile; slow binds are used last, whatever of says; not 0. Default 2s.
	SlowerThan time.Duration `key:"slower_than" default:"2s" min:"1ms"`
}

// Answer is what a contact is answered that cannot be routed.
type Answer struct {
	// Whether a message is refused, or acknowledged and dropped. Default reject.
	SMS SMSAnswer `key:"sms"`
	// SIP code of a call, or an announcement before it. Default 404.
	Voice VoiceAnswer `key:"voice" default:"404"`
}

// Emergency says what an emergency call is and where it goes.
type Emergency struct {
	// Dialled strings by country (ISO 3166, or default for the others), matched exactly,
	// 2 to 6 digits. Default {default: ["112", "911", "999", "000"]}.
	Numbers map[string][]EmergencyNumber `key:"numbers" default:"{default: [\"112\", \"911\", \"999\", \"000\"]}"`
	// Carrier with a SIP trunk that takes tenants' emergency calls, unmasked. Default empty: they are refused at once.
	Trunk Name `key:"trunk"`
}

// Breaker says when a carrier is left alone for a while. It counts the
// carrier's faults, never the subscriber's outcomes.
type Breaker struct {
	// Time back over which attempts count; not 0. Default 30s.
	Window time.Duration `key:"window" default:"30s" min:"1s"`
	// Part of the attempts that must be faults; 0: it never opens. Default 0.5.
	Ratio float64 `key:"ratio" default:"0.5" min:"0" max:"1"`
	// Fewer attempts in the window never open it; not 0. Default 20.
	Min int `key:"min" default:"20" min:"1" max:"1000000"`
	// Time until one attempt tries the carrier again; not 0. Default 10s.
	HalfOpenAfter time.Duration `key:"half_open_after" default:"10s" min:"1ms"`
}
