package routing

import "maskline/numberdb"

// The types of the binding table that smpp and sip meet in plans; they import
// routing only.
type (
	// Service is SMS or Voice.
	Service = numberdb.Services
	// Endpoint is the real end of a binding.
	Endpoint = numberdb.Endpoint
)

// The services, and the kinds of Endpoint.
const (
	SMS   = numberdb.SMS
	Voice = numberdb.Voice

	ToNumber  = numberdb.Tel     // through the plan's carriers
	ToAccount = numberdb.Account // to the binds of the account Endpoint.Name
	ToPeer    = numberdb.SIP     // to the SIP peer at Endpoint.Name, "user@host:port"
)
