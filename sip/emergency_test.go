package sip

import (
	"net/netip"
	"strings"
	"testing"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"maskline/numberdb"
	"maskline/routing"
	"maskline/sip/message"
)

// TestEmergencyStrings is what counts as an emergency call, by the country of the
// trunk: whole strings as they were dialled, and nothing that merely looks alike.
func TestEmergencyStrings(t *testing.T) {
	router, err := routing.New(numberdb.NewTable(), routing.Config{
		Carriers: []routing.CarrierConfig{{Name: "alfa", Services: routing.Voice}},
		Emergency: routing.EmergencyConfig{Trunk: "alfa", Numbers: map[string][]string{
			"default": {"112", "911", "999", "000"}, "GB": {"999", "112"}, "US": {"911"}, "AU": {"000", "106", "112"}, "JP": {"110", "119"}, "IN": {"112", "100", "101", "108"},
		}},
	}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	british := message.Numbers{Form: message.National, CountryCode: "44", TrunkPrefix: "0", International: "00", TechPrefix: "9"}
	cases := []struct {
		country, uri string
		want         bool
	}{
		{"", "sip:112@edge", true},
		{"", "sip:911@edge", true},
		{"", "sip:000@edge", true},
		{"", "sip:119@edge", false},
		{"GB", "sip:999@edge", true},
		{"GB", "sip:112@edge;user=phone", true},
		{"GB", "sip:112;phone-context=+44@edge;user=phone", true},
		{"GB", "tel:112;phone-context=+44", true},
		{"GB", "tel:112", true},
		{"GB", "sip:%31%31%32@edge", true},
		{"GB", "sip:911@edge", false},
		{"GB", "sip:000@edge", false},
		{"GB", "sip:+112@edge", false},
		{"GB", "tel:+999", false},
		{"GB", "sip:+44112@edge", false},
		{"GB", "sip:0112@edge", false},
		{"GB", "sip:00112@edge", false},
		{"GB", "sip:1120@edge", false},
		{"GB", "sip:9112@edge", false}, // the technical prefix is part of what was dialled
		{"GB", "sip:112%23@edge", false},
		{"GB", "sip:emergency@edge", false},
		{"US", "sip:911@edge", true},
		{"US", "sip:+9111@edge", false}, // +91 11 is Delhi
		{"US", "sip:112@edge", false},
		{"AU", "sip:000@edge", true},
		{"AU", "sip:106@edge", true},
		{"JP", "sip:110@edge", true},
		{"JP", "sip:112@edge", false},
		{"IN", "sip:108@edge", true},
		{"IN", "sip:911@edge", false},
		{"DE", "sip:112@edge", true}, // without a list of its own
		{"US", "urn:service:sos", true},
		{"JP", "urn:service:sos.police", true},
		{"GB", "URN:SERVICE:SOS.fire", true},
	}
	for _, c := range cases {
		t.Run(c.country+" "+c.uri, func(t *testing.T) {
			text := strings.ReplaceAll("OPTIONS URI SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n", "URI", c.uri)
			msg, err := gosip.NewParser().ParseSIP([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			req, f := message.NewRequest(msg.(*gosip.Request), netip.AddrPort{})
			if f != nil {
				t.Fatal(f)
			}
			called := req.Called(&british)
			for _, origin := range []routing.Origin{{Tenant: "shop", Country: c.country}, {Carrier: "alfa", Country: c.country}} {
				var plan routing.Plan
				router.Decide(&routing.Request{
					Service: routing.Voice, Origin: &origin, Dialled: []byte(called.Dialled), To: called.Number, From: simAlice, Now: simStart,
				}, &plan)
				tenants := origin.Tenant != ""
				if got := plan.Emergency && plan.Verdict == routing.Forward; got != (c.want && tenants) {
					t.Errorf("%+v: goes to the emergency trunk: %v", origin, got)
				}
				if got := plan.Verdict == routing.EmergencyRefused; got != (c.want && !tenants) {
					t.Errorf("%+v: refused as an emergency call: %v", origin, got)
				}
			}
		})
	}
}
