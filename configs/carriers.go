package configs

// Carrier is a company that we exchange traffic with.
type Carrier struct {
	// Name that bindings, accounts and metrics use; unique. Required.
	Name Name `key:"name" required:"true"`
	// Country that selects the emergency strings, ISO 3166. Default empty: routing.emergency.numbers.default.
	Country Country `key:"country" live:"true"`
	// Rank among carriers, lower first, 0 before all; equal ones share by weight. Default 100.
	Priority int `key:"priority" live:"true" default:"100" min:"0" max:"1000000"`
	// Share among carriers of equal priority; not 0. Default 1.
	Weight int `key:"weight" live:"true" default:"1" min:"1" max:"1000000"`
	// Digits that destinations start with; the longest match wins. Default empty: every destination, or
	// those of imported prefixes that name the carrier.
	Prefixes []Digits `key:"prefixes" live:"true"`
	// Cost per unit of these prefixes, in any currency, 0 is free; needed where routing.order is cost. Default 0.
	Cost float64 `key:"cost" live:"true" default:"0" min:"0" max:"1000000"`
	// Masks that may be presented through it: own (hosted by it), any, or names of pools. Default [any].
	Present []Name `key:"present" live:"true" default:"[any]"`
	// Segments per second to it, all its binds together; 0: no limit. Default 0.
	TPS int `key:"tps" default:"0" min:"0" max:"1000000" live:"true"`
	// Segments per second that leave through it with the same presented mask; 0: no limit. Default 0.
	MaskTPS int `key:"mask_tps" default:"0" min:"0" max:"1000000"`
	// SMSCs that we bind to; several are several SMSCs. Default empty: none.
	SMPP []Bind `key:"smpp"`
	// Trunks, tried in order before the next carrier. Default empty: none.
	SIP []Trunk `key:"sip" live:"whole"`
}
