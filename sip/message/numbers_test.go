package message

import (
	"strings"
	"testing"
)

var (
	british  = Numbers{Form: National, CountryCode: "44", TrunkPrefix: "0", International: "00"}
	american = Numbers{Form: National, CountryCode: "1", International: "011"} // bare national numbers
	prefixed = Numbers{CountryCode: "44", TrunkPrefix: "0", International: "00", TechPrefix: "77#"}
	digits   = Numbers{TechPrefix: "99"}
)

func TestNumbersRead(t *testing.T) {
	cases := []struct {
		name    string
		numbers Numbers
		uri     string
		want    string
	}{
		{"plus", british, "sip:+447700900001@x", alice},
		{"national", british, "sip:07700900001@x", alice},
		{"international prefix", british, "sip:00447700900001@x", alice},
		{"digits", british, "sip:447700900001@x", alice},
		{"of another country", british, "sip:0033140000001@x", "33140000001"},
		{"digits of another country", british, "sip:33140000001@x", "33140000001"},
		{"national with separators", british, "tel:0-7700.900(001)", alice},
		{"user=phone", british, "sip:07700900001@x;user=phone", alice},
		{"number portability", british, "sip:07700900001;npdi;rn=+447700900999@x;user=phone", alice},
		{"number portability of tel", british, "tel:+447700900001;npdi;rn=+447700900999", alice},
		{"phone-context of the country", british, "tel:7700900001;phone-context=+44", alice},
		{"phone-context, and the prefix too", british, "tel:07700900001;phone-context=+44", alice},
		{"phone-context of another country", british, "tel:140000001;phone-context=+33", "33140000001"},
		{"phone-context in a sip URI", Numbers{}, "sip:7700900001;phone-context=+44@x;user=phone", alice},
		{"phone-context with separators", Numbers{}, "tel:900001;phone-context=+44-7700", alice},
		{"phone-context is a domain", british, "tel:07700900001;phone-context=carrier.example", alice},
		{"a context beside a global number", british, "tel:+447700900001;phone-context=+33", alice},
		{"international prefix and nothing", british, "sip:00@x", ""},
		{"both prefixes", british, "sip:00+447700900001@x", alice},
		{"too short", british, "sip:0123@x", ""},
		{"too long", british, "sip:0123456789012345@x", ""},
		{"bare national", american, "sip:2125550100@x", "12125550100"},
		{"bare national, foreign", american, "sip:011447700900001@x", alice},
		{"national on an international trunk", Numbers{}, "sip:07700900001@x", "07700900001"},
		{"00 on an international trunk", Numbers{}, "sip:00447700900001@x", "00447700900001"},
		{"00 where the trunk writes it", Numbers{International: "00"}, "sip:00447700900001@x", alice},
		{"bare on a plain trunk", Numbers{Form: Plain, CountryCode: "44"}, "sip:447700900001@x", alice},
		{"emergency string", british, "sip:112@x", ""},
		{"name", british, "sip:0alice@x", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := goodRequest(t, strings.Replace(invite, "sip:+441110000001@edge.example;user=phone", c.uri, 1))
			if got := r.Called(&c.numbers).Number.Reveal(); got != plus(c.want) {
				t.Errorf("called %q, want %q", got, plus(c.want))
			}
			from := strings.Replace(invite, "<sip:+447700900001@home.example>;tag", "<"+c.uri+">;tag", 1)
			if got := goodRequest(t, from).Caller(&c.numbers, false).Reveal(); got != plus(c.want) {
				t.Errorf("caller %q, want %q", got, plus(c.want))
			}
		})
	}
}

func TestTechPrefix(t *testing.T) {
	cases := []struct {
		name, uri, dialled, called string
		numbers                    Numbers
	}{
		{"before digits", "sip:77%23447700900001@x", "77#447700900001", alice, prefixed},
		{"before plus", "sip:77%23+447700900001@x", "77#+447700900001", alice, prefixed},
		{"before a national number", "sip:77%2307700900001@x", "77#07700900001", alice, prefixed},
		{"not written", "sip:07700900001@x", "07700900001", alice, prefixed},
		{"never before plus", "sip:+998901234567@x", "+998901234567", "998901234567", digits},
		{"of digits", "sip:99447700900001@x", "99447700900001", alice, digits},
		{"too little is left", "sip:9912345@x", "9912345", "9912345", digits},
		{"emergency strings are whole", "sip:99112@x", "99112", "", digits},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := goodRequest(t, strings.Replace(invite, "sip:+441110000001@edge.example;user=phone", c.uri, 1)).Called(&c.numbers)
			if got.Dialled != c.dialled || got.Number.Reveal() != plus(c.called) {
				t.Fatalf("%q %s", got.Dialled, got.Number.Reveal())
			}
		})
	}
	from := strings.Replace(invite, "<sip:+447700900001@home.example>;tag", "<sip:99447700900001@x>;tag", 1)
	if got := goodRequest(t, from).Caller(&digits, false).Reveal(); got != "+99447700900001" {
		t.Errorf("the prefix is taken off a caller: %s", got)
	}
}

func TestNumbersWritten(t *testing.T) {
	cases := []struct {
		name         string
		numbers      Numbers
		number, want string
	}{
		{"E.164", Numbers{}, alice, "+447700900001"},
		{"plain", Numbers{Form: Plain}, alice, "447700900001"},
		{"national", british, alice, "07700900001"},
		{"national, foreign", british, "33140000001", "0033140000001"},
		{"national without an international prefix", Numbers{Form: National, CountryCode: "44", TrunkPrefix: "0"}, "33140000001", "+33140000001"},
		{"bare national", american, "12125550100", "2125550100"},
		{"a country code alone changes nothing", Numbers{CountryCode: "44", TrunkPrefix: "0"}, alice, "+447700900001"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.numbers.append(nil, num(c.number))); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestNumbersRoundTrip reads what was written, for each way of writing.
func TestNumbersRoundTrip(t *testing.T) {
	for _, n := range []Numbers{{}, {Form: Plain}, british, american, prefixed, {Form: National, CountryCode: "39", International: "00"}} {
		for _, number := range []string{alice, "33140000001", "12125550100", "390612345678", "998901234567"} {
			written := string(n.append(nil, num(number)))
			if got := n.read(written, ""); got != num(number) {
				t.Errorf("%+v: %s is read as %s", n, written, got.Reveal())
			}
		}
	}
}
