package numberdb

import (
	"errors"

	"maskline/e164"
)

// Faults of bindings of short codes. They never hold the text that was refused.
var (
	ErrShortServices = errors.New("a short code takes messages only; expected sms")
	ErrShortSIP      = errors.New("a short code takes no sip: endpoint; expected a tel: or smpp: one")
	ErrShortParty    = errors.New("a short code is no party and no destination; expected a number")
	ErrEmergency     = errors.New("is dialled in emergencies; expected another short code")
)

// checkShort refuses what no network does with short codes, or nobody should.
func (b *Binding) checkShort() error {
	if b.Party.IsShortCode() {
		return ErrShortParty
	}
	if !b.Mask.IsShortCode() && !b.Present.IsShortCode() && !b.Second.IsShortCode() {
		return nil
	}
	switch {
	case isEmergency(b.Mask) || isEmergency(b.Present) || isEmergency(b.Second):
		return ErrEmergency
	case b.Services != SMS:
		return ErrShortServices
	case b.To.Kind == SIP:
		return ErrShortSIP
	}
	return nil
}

// isEmergency reports whether a short code is dialled in emergencies in some
// country. Roamers dial what they know from home, so none of them is a mask
// anywhere; a configuration may name more.
func isEmergency(n e164.Number) bool {
	if !n.IsShortCode() {
		return false
	}
	var room [e164.MaxShort]byte
	switch string(n.AppendDigits(room[:0])) {
	case "000", "100", "101", "102", "103", "106", "108", "110", "111", "112", "113", "115", "117", "118", "119",
		"120", "122", "123", "133", "144", "155", "158", "190", "191", "192", "193", "911", "995", "997", "998", "999":
		return true
	}
	return false
}
