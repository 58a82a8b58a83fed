package guard

import (
	"context"
	"errors"
	"strings"
	"testing"

	"maskline/e164"
)

func TestNumbersOfFields(t *testing.T) {
	g := newWorld(t, standardRules(t), Config{})
	for text, want := range map[string]struct{ code, reason string }{
		"+447700900123": {}, "+911122334455": {},
		"112": {CodeEmergency, "emergency"}, "+112": {CodeEmergency, "emergency"}, "911": {CodeEmergency, "emergency"}, "+1911": {CodeEmergency, "emergency"}, "+44999": {CodeEmergency, "emergency"},
		"60123": {CodeInvalidNumber, "short-code"}, "+44123": {CodeInvalidNumber, "short-code"}, "1112": {CodeInvalidNumber, "short-code"},
		"447700900123": {CodeInvalidNumber, "form"}, "": {CodeInvalidNumber, "form"}, "+": {CodeInvalidNumber, "form"}, "+44 7700 900123": {CodeInvalidNumber, "form"},
		"+4477009001234567": {CodeInvalidNumber, "form"}, "tel:+447700900123": {CodeInvalidNumber, "form"}, "+٤٤٧٧٠٠٩٠٠١٢٣": {CodeInvalidNumber, "form"}, "++447700900123": {CodeInvalidNumber, "form"},
	} {
		n, err := g.Number("to", text)
		var refusal *Refusal
		errors.As(err, &refusal)
		switch {
		case want.code == "" && (err != nil || n == 0):
			t.Errorf("%q: %v", text, err)
		case want.code != "" && (refusal == nil || refusal.Code != want.code || refusal.Reason != want.reason || refusal.Field != "to"):
			t.Errorf("%q: %+v", text, refusal)
		case len(text) > 3 && err != nil && strings.Contains(err.Error(), text):
			t.Errorf("%q stands in the fault", text)
		}
	}
}

type maskSet map[e164.Number]bool

func (m maskSet) IsMask(n e164.Number) bool { return m[n] }

func TestWhoCannotTakePart(t *testing.T) {
	rules := standardRules(t)
	rules.Masks = maskSet{e164.MustParse("+442079460011"): true}
	rules.Tenants = map[string]TenantRules{"shop": {Regions: []string{"GB", "US"}}}
	w := newWorld(t, rules, Config{})
	for _, c := range []struct {
		name, tenant, a, b, code, reason string
		place                            int
	}{
		{"two people", "shop", "+447700900123", "+12025550143", "", "", 0},
		{"the same person", "shop", "+447700900123", "+447700900123", CodeInvalid, "same-person", 2},
		{"the same mobile in Argentina, written both ways", "other", "+541123456789", "+5491123456789", CodeInvalid, "same-person", 2},
		{"a mask", "shop", "+447700900123", "+442079460011", CodeNumberIsMask, "mask", 1},
		{"a satellite phone", "other", "+881612345678", "+447700900123", CodePremium, "satellite", 0},
		{"a premium number", "shop", "+449098790000", "+447700900123", CodePremium, "premium", 0},
		{"a country that is not enabled", "shop", "+447700900123", "+33612345678", CodeRegion, "region", 1},
		{"the same for a tenant that may reach all", "other", "+447700900123", "+33612345678", "", "", 0},
		{"Jersey is not Great Britain", "shop", "+441534700000", "+447700900123", CodeRegion, "region", 0},
		{"Canada is not the United States", "shop", "+14165550143", "+447700900123", CodeRegion, "region", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := w.allocate(Who{Key: "key_1", Tenant: c.tenant}, c.a, c.b)
			var refusal *Refusal
			if errors.As(err, &refusal); c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if refusal == nil || refusal.Code != c.code || refusal.Reason != c.reason || refusal.Field != []string{"participants[0].number", "participants[1].number", "participants"}[c.place] {
				t.Fatalf("%+v", refusal)
			}
			if strings.Contains(err.Error(), c.a[4:]) || strings.Contains(err.Error(), c.b[4:]) {
				t.Error("a number stands in the fault")
			}
		})
	}
	all := *rules
	all.Regions = []string{"FR"}
	w.SetRules(&all)
	if err := w.Contact(t.Context(), Who{Tenant: "other"}, parties("+447700900123")[0]); codeOf(err) != CodeRegion {
		t.Errorf("the regions of all: %v", err)
	}
	if err := w.Contact(t.Context(), Who{Tenant: "other"}, parties("+33612345678")[0]); err != nil {
		t.Errorf("the regions of all: %v", err)
	}
	if err := w.Contact(t.Context(), Who{}, Party{Field: "to"}); codeOf(err) != CodeInvalidNumber {
		t.Errorf("no number: %v", err)
	}
}

type agreed map[e164.Number]bool

var errAway = errors.New("the store is away")

func (a agreed) Consented(_ context.Context, tenant string, n e164.Number) (bool, error) {
	if tenant == "away" {
		return false, errAway
	}
	return a[n], nil
}

func TestConsents(t *testing.T) {
	rules := &Rules{Tenants: map[string]TenantRules{"strict": {Consent: true}, "away": {Consent: true}}}
	w := newWorld(t, rules, Config{Consents: agreed{e164.MustParse("+447700900123"): true}})
	if err := w.Contact(t.Context(), Who{Tenant: "strict"}, parties("+447700900123")[0]); err != nil {
		t.Error(err)
	}
	if err := w.allocate(Who{Tenant: "strict"}, "+447700900123", "+447700900124"); codeOf(err) != CodeConsent {
		t.Error(err)
	}
	if err := w.allocate(Who{Tenant: "away"}, "+447700900123", "+447700900124"); !errors.Is(err, errAway) {
		t.Error("a store that is away does not mean consent", err)
	}
	if err := w.allocate(Who{Tenant: "lax"}, "+447700900123", "+447700900124"); err != nil {
		t.Error(err)
	}
}
