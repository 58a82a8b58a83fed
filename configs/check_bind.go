package configs

import "fmt"

// bindFormat checks how messages are written on one bind.
func (c *checker) bindFormat(b *Bind, path string) {
	n, at := &b.Numbers, under(path, "numbers")
	code := under(at, "country_code")
	switch {
	case n.CountryCode == "" && (n.TrunkPrefix != "" || n.InternationalPrefix != ""):
		c.fault(code, "is missing, and a prefix of national numbers is given; expected a calling code", at)
	case n.CountryCode != "" && n.Plus:
		c.fault(under(at, "plus"), "is given beside country_code; expected one of the two", code)
	}
	c.prefixLength(n.CountryCode, code)
	c.prefixLength(n.TrunkPrefix, under(at, "trunk_prefix"))
	c.prefixLength(n.InternationalPrefix, under(at, "international_prefix"))
	c.staticTLVs(b.TLVs, under(path, "tlvs"))
}

func (c *checker) prefixLength(digits Digits, path string) {
	if len(digits) > maxNumberPrefix {
		c.fault(path, fmt.Sprintf("is too long; expected at most %d digits", maxNumberPrefix))
	}
}

const (
	maxNumberPrefix = 5
	maxStaticTLVs   = 1024 // octets, heads included
	tlvHead         = 4
)

// written reports whether the edge writes a TLV with this tag itself.
// SMPP 3.4 §5.3.2
func written(tag Code) bool {
	switch tag {
	case 0x0019, 0x0204, 0x020A, 0x020B, 0x020C, 0x020D, 0x020E, 0x020F, 0x0424, 0x0426,
		0x0501, 0x1380, 0x1383: // of USSD dialogues
		return true
	default:
		return false
	}
}

func (c *checker) staticTLVs(tlvs []TLV, path string) {
	size := 0
	seen := map[Code]bool{}
	for i := range tlvs {
		t, at := &tlvs[i], entry(path, i)
		octets, ok := t.Octets()
		size += tlvHead + len(octets)
		switch {
		case !ok:
			c.fault(under(at, "value"), "begins with 0x and is no hex; expected pairs of hex digits, or text")
		case written(t.Tag):
			c.fault(under(at, "tag"), "is a TLV that is written for each message; expected another")
		case seen[t.Tag]:
			c.fault(under(at, "tag"), "is in the list already; expected it once")
		}
		seen[t.Tag] = true
	}
	if size > maxStaticTLVs {
		c.fault(path, fmt.Sprintf("is too long; expected at most %d octets in all", maxStaticTLVs))
	}
}

// longTogether refuses message_payload on some binds of a carrier only: parts
// are put together before one is chosen.
func (c *checker) longTogether(binds []Bind, path string) {
	for i := range binds {
		if (binds[i].Long == LongPayload) != (binds[0].Long == LongPayload) {
			c.fault(under(entry(path, i), "long"), "differs within this carrier; expected payload in every entry or in none", under(entry(path, 0), "long"))
		}
	}
}
