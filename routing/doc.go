// Package routing decides where a message or call that meets the edge goes:
// from (dialled number, sender, service) to an ordered plan of deliveries.
//
// [Router.Decide] asks one chain of named rules, in this order; the first that
// decides ends it ([Router.Explain] shows what each said):
//
//	emergency      an emergency string is never masked: emergency trunk, or refused
//	opt_out_words  a party's own word, such as STOP, is kept and goes nowhere
//	binding        the dialled mask's binding for this party, or the tenant's own
//	               mask going out to a party
//	loop           a mask is never a destination; a message that comes back to us
//	block          the operator's blocks of parties and masks
//	opt_out        a receiver that wants no messages
//	rule:NAME      the operator's rules on senders and texts
//	third_party_codes  one-time codes of others at leased masks
//	slot           the first message to a session's public mask, which waits until
//	               its sender can be answered
//	carriers       those that serve the destination and are fit, in order
//
// [Router.Prepare] changes rules and opt-out words while requests come; each
// request meets the old chain or the new one, whole.
//
// It does no I/O, takes no lock and allocates nothing; a text is decoded only
// for a rule that asks for it. The same request with the same seed and state
// gives the same plan. What goes on in a session that ends by its contacts is
// told to [Contacts], and what is refused to [Witness].
//
// Attempting the plan, and failing over inside it, is the work of smpp and sip;
// they report each attempt's outcome with [Carrier.Report], which feeds the
// carrier's breaker. What smpp and sip have in common is defined here, since
// they never import each other.
//
// The carriers that serve a destination come from package prefix.
//
// Start reading at chain.go and route.go, then carrier.go and breaker.go.
package routing
