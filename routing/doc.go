// Package routing decides where a message or call that meets the edge goes:
// from (dialled number, sender, service) to an ordered plan of deliveries.
//
// [Router.Decide] is a pure function of its request, the binding table and the
// carriers' state; it does no I/O, takes no lock on its way to the table and
// allocates nothing. The same request with the same seed and state gives the
// same plan. Its steps, in order:
//
//	emergency   an emergency string is never masked: emergency trunk, or refused
//	binding     the dialled mask's binding for this party, or the tenant's own
//	            mask going out to a party
//	loop        a mask is never a destination
//	candidates  carriers that serve the destination and are fit, in order
//
// Attempting the plan, and failing over inside it, is the work of smpp and sip;
// they report each attempt's outcome with [Carrier.Report], which feeds the
// carrier's breaker. What smpp and sip have in common is defined here, since
// they never import each other.
//
// Start reading at route.go, then carrier.go and breaker.go.
package routing
