package guard

import (
	"github.com/nyaruka/phonenumbers"

	"maskline/e164"
)

// CountryOf is the country of a number, ISO 3166-1 alpha-2, by its national numbering
// plan; empty: of none, as a satellite phone, or of no plan that is known.
func CountryOf(n e164.Number) string {
	if n == 0 || n.IsShortCode() {
		return ""
	}
	parsed, err := phonenumbers.Parse(n.Reveal(), "")
	if err != nil {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForNumber(parsed); len(region) == 2 {
		return region
	}
	// One that the plan does not have counts as of the country that the calling code is
	// first of all.
	if region := phonenumbers.GetRegionCodeForCountryCode(int(parsed.GetCountryCode())); len(region) == 2 && region != "ZZ" {
		return region
	}
	return ""
}
