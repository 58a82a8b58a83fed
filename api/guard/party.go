package guard

import (
	"slices"
	"strings"

	"maskline/e164"
)

// Party is a number of a request.
type Party struct {
	Field  string // such as participants[0].number
	Text   string // as it was submitted; empty: only Number is known
	Number e164.Number
}

// Masks tells our own numbers from others.
type Masks interface {
	IsMask(n e164.Number) bool
}

// Number reads the number of a field: + and 7 to 15 digits. Strings that call for
// help are told apart from what is no number at all, with a country's code in front
// too.
func (g *Guard) Number(field, text string) (e164.Number, error) {
	digits := strings.TrimPrefix(text, "+")
	if n, err := e164.Parse(text); err == nil && len(digits) < len(text) {
		return n, nil
	}
	rules := g.rules.Load()
	for i := 0; i <= min(3, len(digits)) && len(digits) < e164.MinDigits; i++ {
		if rules.Emergency != nil && rules.Emergency(digits[i:]) && (i == 0 || len(digits) < len(text)) {
			return 0, &Refusal{Code: CodeEmergency, Field: field, Reason: "emergency", Detail: "an emergency number cannot take part: it is always called as it is"}
		}
	}
	reason, detail := "form", "expected + and 7 to 15 digits from the country code on"
	if short := strings.Trim(digits, "0123456789") == "" && len(digits) >= e164.MinShort && len(digits) <= e164.MaxShort; short {
		reason, detail = "short-code", "a short code is reached within its own network only and cannot take part"
	}
	return 0, &Refusal{Code: CodeInvalidNumber, Field: field, Reason: reason, Detail: detail}
}

// party judges one number, whoever asks. Where several things are wrong the worst is
// told: an emergency number before a mask, a mask before what it costs.
func (r *Rules) party(tenant string, p *Party) error {
	n := p.Number
	switch {
	case n == 0 || !n.Valid() || n.IsShortCode():
		return &Refusal{Code: CodeInvalidNumber, Field: p.Field, Reason: "form", Detail: "expected + and 7 to 15 digits from the country code on"}
	case r.Masks != nil && r.Masks.IsMask(n):
		return &Refusal{Code: CodeNumberIsMask, Field: p.Field, Reason: "mask", Detail: "is one of the edge's own masks, which leads to somebody else"}
	}
	if row, found := r.Destinations.Of(n); found && !row.Allowed {
		return &Refusal{
			Code: CodePremium, Field: p.Field, Reason: row.Kind, Detail: "numbers of this range are not connected",
			NextStep: "ask the operator to allow the range",
		}
	}
	return r.region(tenant, p)
}

// region asks for the country only where somebody may not reach all.
func (r *Rules) region(tenant string, p *Party) error {
	own := r.Tenants[tenant].Regions
	if len(r.Regions) == 0 && len(own) == 0 {
		return nil
	}
	country := CountryOf(p.Number)
	for _, allowed := range [][]string{r.Regions, own} {
		if len(allowed) > 0 && !slices.Contains(allowed, country) {
			return &Refusal{Code: CodeRegion, Field: p.Field, Reason: "region", Detail: "numbers of this country are not enabled", NextStep: "ask the operator to enable the country"}
		}
	}
	return nil
}

// parties judges all numbers of a request.
func (r *Rules) parties(tenant string, list []Party) error {
	for i := range list {
		if err := r.party(tenant, &list[i]); err != nil {
			return err
		}
		for k := range i {
			if list[k].Number.Canonical() == list[i].Number.Canonical() {
				return &Refusal{Code: CodeInvalid, Field: "participants", Reason: "same-person", Detail: "expected each number once"}
			}
		}
	}
	return nil
}
