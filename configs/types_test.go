package configs

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Each case is a text and what it is written as again, or what is wrong with it.
func TestScalars(t *testing.T) {
	cases := []struct {
		typ               reflect.Type
		text, want, wrong string
	}{
		{reflect.TypeFor[time.Duration](), "3s", "3s", ""},
		{reflect.TypeFor[time.Duration](), "90m", "1h30m", ""},
		{reflect.TypeFor[time.Duration](), "60s", "1m", ""},
		{reflect.TypeFor[time.Duration](), "1h0m1s", "1h0m1s", ""},
		{reflect.TypeFor[time.Duration](), "0", "0s", ""},
		{reflect.TypeFor[time.Duration](), "1.5s", "1.5s", ""},
		{reflect.TypeFor[time.Duration](), "30", "", "is not a duration"},
		{reflect.TypeFor[time.Duration](), "3 s", "", "is not a duration"},
		{reflect.TypeFor[time.Duration](), "1d", "", "is not a duration"},
		{reflect.TypeFor[time.Duration](), "-1ns", "", "is negative"},
		{reflect.TypeFor[time.Duration](), "87601h", "", "is longer than ten years"},
		{reflect.TypeFor[time.Duration](), "9999999999h", "", "is not a duration"},

		{reflect.TypeFor[Size](), "0", "0", ""},
		{reflect.TypeFor[Size](), "512", "512", ""},
		{reflect.TypeFor[Size](), "1024", "1KiB", ""},
		{reflect.TypeFor[Size](), "64MiB", "64MiB", ""},
		{reflect.TypeFor[Size](), "2048KiB", "2MiB", ""},
		{reflect.TypeFor[Size](), "1024GiB", "1024GiB", ""},
		{reflect.TypeFor[Size](), "1025GiB", "", "is larger than 1024GiB"},
		{reflect.TypeFor[Size](), "64MB", "", "is not a size in bytes, KiB, MiB or GiB"},
		{reflect.TypeFor[Size](), "64 MiB", "", "is not a size in bytes, KiB, MiB or GiB"},
		{reflect.TypeFor[Size](), "1.5MiB", "", "is not a size in bytes, KiB, MiB or GiB"},
		{reflect.TypeFor[Size](), "-1KiB", "", "is negative"},
		{reflect.TypeFor[Size](), "KiB", "", "is not a size in bytes, KiB, MiB or GiB"},
		{reflect.TypeFor[Size](), "99999999999999999999GiB", "", "is not a size in bytes, KiB, MiB or GiB"},

		{reflect.TypeFor[PortRange](), "10000-32767", "10000-32767", ""},
		{reflect.TypeFor[PortRange](), "5-5", "5-5", ""},
		{reflect.TypeFor[PortRange](), "2-1", "", "is reversed"},
		{reflect.TypeFor[PortRange](), "10000", "", "is not a range of ports"},
		{reflect.TypeFor[PortRange](), "1-65536", "", "has a bad port"},
		{reflect.TypeFor[PortRange](), "-1-5", "", "has a bad port"},

		{reflect.TypeFor[Code](), "0x64", "0x64", ""},
		{reflect.TypeFor[Code](), "100", "0x64", ""},
		{reflect.TypeFor[Code](), "0X00000400", "0x400", ""},
		{reflect.TypeFor[Code](), "0xFFFFFFFF", "0xFFFFFFFF", ""},
		{reflect.TypeFor[Code](), "0x100000000", "", "is not a code"},
		{reflect.TypeFor[Code](), "064", "", "is not a code"},
		{reflect.TypeFor[Code](), "0x", "", "is not a code"},
		{reflect.TypeFor[Code](), "-1", "", "is not a code"},

		{reflect.TypeFor[FailoverRule](), "503", "503", ""},
		{reflect.TypeFor[FailoverRule](), "500-599", "500-599", ""},
		{reflect.TypeFor[FailoverRule](), "404;cause=2", "404;cause=2", ""},
		{reflect.TypeFor[FailoverRule](), "400-499;cause=34", "400-499;cause=34", ""},
		{reflect.TypeFor[FailoverRule](), "399", "", "has a code outside 400 to 699"},
		{reflect.TypeFor[FailoverRule](), "600-700", "", "has a code outside 400 to 699"},
		{reflect.TypeFor[FailoverRule](), "599-500", "", "is reversed"},
		{reflect.TypeFor[FailoverRule](), "404;cause=", "", "has a cause outside 1 to 127"},
		{reflect.TypeFor[FailoverRule](), "404;cause=128", "", "has a cause outside 1 to 127"},
		{reflect.TypeFor[FailoverRule](), "404; cause=2", "", "is not a failover rule"},

		{reflect.TypeFor[VoiceAnswer](), "404", "404", ""},
		{reflect.TypeFor[VoiceAnswer](), "699", "699", ""},
		{reflect.TypeFor[VoiceAnswer](), "399", "", "is no code of a refusal"},
		{reflect.TypeFor[VoiceAnswer](), "700", "", "is no code of a refusal"},
		{reflect.TypeFor[VoiceAnswer](), "busy", "", "is not a whole number"},

		{reflect.TypeFor[netip.AddrPort](), "127.0.0.1:0", "127.0.0.1:0", ""},
		{reflect.TypeFor[netip.AddrPort](), "[::1]:2775", "[::1]:2775", ""},
		{reflect.TypeFor[netip.AddrPort](), "[::ffff:127.0.0.1]:2775", "127.0.0.1:2775", ""},
		{reflect.TypeFor[netip.AddrPort](), "localhost:2775", "", "is a name"},
		{reflect.TypeFor[netip.AddrPort](), ":2775", "", "is neither a name nor an IP address"},
		{reflect.TypeFor[netip.AddrPort](), "::1", "", "has no port or no address"},
		{reflect.TypeFor[netip.AddrPort](), "127.0.0.1:65536", "", "has a bad port"},
		{reflect.TypeFor[netip.AddrPort](), "127.0.0.1:smpp", "", "has a bad port"},

		{reflect.TypeFor[HostPort](), "smsc.alfa.example:2775", "smsc.alfa.example:2775", ""},
		{reflect.TypeFor[HostPort](), "[2001:db8::1]:2775", "[2001:db8::1]:2775", ""},
		{reflect.TypeFor[HostPort](), "192.0.2.1:0", "", "has port 0"},
		{reflect.TypeFor[HostPort](), "192.0.2.300:2775", "", "is neither a name nor an IP address"},
		{reflect.TypeFor[HostPort](), "a..b:2775", "", "is neither a name nor an IP address"},
		{reflect.TypeFor[HostPort](), "smsc.alfa.example", "", "has no port or no address"},
		{reflect.TypeFor[HostPort](), strings.Repeat("a", 64) + ":1", "", "is neither a name nor an IP address"},

		{reflect.TypeFor[SIPAddress](), "udp://127.0.0.1:5060", "udp://127.0.0.1:5060", ""},
		{reflect.TypeFor[SIPAddress](), "tls://[::1]:5061", "tls://[::1]:5061", ""},
		{reflect.TypeFor[SIPAddress](), "tcp://sip.alfa.example:5060", "tcp://sip.alfa.example:5060", ""},
		{reflect.TypeFor[SIPAddress](), "sip:127.0.0.1:5060", "", "names no known transport"},
		{reflect.TypeFor[SIPAddress](), "ws://127.0.0.1:5060", "", "names no known transport"},
		{reflect.TypeFor[SIPAddress](), "udp://127.0.0.1", "", "has no port or no address"},
		{reflect.TypeFor[SIPAddress](), "udp://127.0.0.1:5060;lr", "", "has a bad port"},

		{reflect.TypeFor[netip.Prefix](), "10.0.0.0/8", "10.0.0.0/8", ""},
		{reflect.TypeFor[netip.Prefix](), "127.0.0.1", "127.0.0.1/32", ""},
		{reflect.TypeFor[netip.Prefix](), "2001:db8::1", "2001:db8::1/128", ""},
		{reflect.TypeFor[netip.Prefix](), "10.0.0.1/8", "", "has bits set beyond its length"},
		{reflect.TypeFor[netip.Prefix](), "10.0.0.0/33", "", "is not a network"},
		{reflect.TypeFor[netip.Prefix](), "::ffff:10.0.0.0/104", "", "is not a network"},
		{reflect.TypeFor[netip.Prefix](), "office", "", "is not a network"},

		{reflect.TypeFor[netip.Addr](), "::1", "::1", ""},
		{reflect.TypeFor[netip.Addr](), "fe80::1%eth0", "", "is not an IP address"},

		{reflect.TypeFor[Name](), "46labs", "46labs", ""},
		{reflect.TypeFor[Name](), "447700900123", "", "holds no letter"},
		{reflect.TypeFor[Name](), "a|b", "", "is not a name"},
		{reflect.TypeFor[Name](), "-a", "", "is not a name"},
		{reflect.TypeFor[Name](), "é", "", "is not a name"},
		{reflect.TypeFor[Name](), strings.Repeat("a", 64), "", "is longer than 63 characters"},

		{reflect.TypeFor[Country](), "GB", "GB", ""},
		{reflect.TypeFor[Country](), "gb", "", "is not a country"},
		{reflect.TypeFor[Country](), "UK", "", "is not a country"},
		{reflect.TypeFor[Country](), "E ", "", "is not a country"},
		{reflect.TypeFor[Country](), "GBR", "", "is not a country"},

		{reflect.TypeFor[Digits](), "0044", "0044", ""},
		{reflect.TypeFor[Digits](), "+44", "", "holds something else than digits"},
		{reflect.TypeFor[Digits](), "1234567890123456", "", "is longer than 15 digits"},
		{reflect.TypeFor[Digits](), "٤٤", "", "holds something else than digits"},

		{reflect.TypeFor[EmergencyNumber](), "000", "000", ""},
		{reflect.TypeFor[EmergencyNumber](), "116117", "116117", ""},
		{reflect.TypeFor[EmergencyNumber](), "1", "", "is not a short digit string"},
		{reflect.TypeFor[EmergencyNumber](), "1234567", "", "is not a short digit string"},
		{reflect.TypeFor[EmergencyNumber](), "+112", "", "is not a short digit string"},

		{reflect.TypeFor[TechPrefix](), "00*12#", "00*12#", ""},
		{reflect.TypeFor[TechPrefix](), "+44", "", "is not a technical prefix"},

		{reflect.TypeFor[DatabaseURL](), "postgres://maskline:hunter2@127.0.0.1/maskline", "postgres://***", ""},
		{reflect.TypeFor[DatabaseURL](), "postgresql://127.0.0.1/maskline", "postgresql://***", ""},
		{reflect.TypeFor[DatabaseURL](), "host=127.0.0.1", "", "is not a postgres URL"},
		{reflect.TypeFor[DatabaseURL](), "postgres://", "", "is not a postgres URL"},

		{reflect.TypeFor[int](), "0", "0", ""},
		{reflect.TypeFor[int](), "-5", "-5", ""},
		{reflect.TypeFor[int](), "010", "", "is not a whole number"},
		{reflect.TypeFor[int](), "1_000", "", "is not a whole number"},
		{reflect.TypeFor[int](), "+1", "", "is not a whole number"},
		{reflect.TypeFor[int](), "1e3", "", "is not a whole number"},
		{reflect.TypeFor[int](), "99999999999999999999", "", "is out of range"},

		{reflect.TypeFor[float64](), "0.0040", "0.004", ""},
		{reflect.TypeFor[float64](), "NaN", "", "is not a number"},
		{reflect.TypeFor[float64](), ".inf", "", "is not a number"},
		{reflect.TypeFor[float64](), "0x1p4", "", "is not a number"},
		{reflect.TypeFor[float64](), "1.2.3", "", "is not a number"},

		{reflect.TypeFor[bool](), "true", "true", ""},
		{reflect.TypeFor[bool](), "yes", "", "is neither true nor false"},
		{reflect.TypeFor[bool](), "True", "", "is neither true nor false"},

		{reflect.TypeFor[SRTP](), "off", "off", ""},
		{reflect.TypeFor[SRTP](), "on", "", "is an unknown value"},
		{reflect.TypeFor[string](), "any text", "any text", ""},
		{reflect.TypeFor[string](), "a\nb", "", "holds a control character"},
		{reflect.TypeFor[Secret](), "hunter2\x00", "", "holds a control character"},
	}
	for _, c := range cases {
		t.Run(c.typ.Name()+" "+c.text, func(t *testing.T) {
			s, _ := scalarOf(c.typ)
			v, err := s.parse(c.text)
			switch {
			case c.wrong != "":
				if err == nil || err.Error() != c.wrong {
					t.Fatalf("fault %v, want %q", err, c.wrong)
				}
			case err != nil:
				t.Fatal(err)
			case s.format(v) != c.want:
				t.Fatalf("written as %q, want %q", s.format(v), c.want)
			}
		})
	}
}

// "" means none for these types, and a mistake for all others.
func TestEmptyText(t *testing.T) {
	optional := []reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[Secret](), reflect.TypeFor[DatabaseURL](), reflect.TypeFor[Path](),
		reflect.TypeFor[Name](), reflect.TypeFor[Country](), reflect.TypeFor[Host](), reflect.TypeFor[HostPort](),
		reflect.TypeFor[SIPAddress](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.AddrPort](), reflect.TypeFor[TechPrefix](),
	}
	for _, typ := range optional {
		s, _ := scalarOf(typ)
		if !s.empty || s.format(reflect.Zero(typ)) != "" {
			t.Errorf("%s: none is not written as nothing", typ)
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[bool](), reflect.TypeFor[float64](), reflect.TypeFor[time.Duration](),
		reflect.TypeFor[Size](), reflect.TypeFor[Code](), reflect.TypeFor[SRTP](), reflect.TypeFor[PortRange](),
	} {
		if s, _ := scalarOf(typ); s.empty {
			t.Errorf("%s may be empty", typ)
		}
	}
}

func TestFinalOutcomesAreNotHunted(t *testing.T) {
	cases := []struct {
		rule  string
		final bool
	}{
		{"404", true},
		{"404;cause=1", true},
		{"404;cause=2", false},
		{"404;cause=3", false},
		{"480", true},
		{"480;cause=34", false},
		{"480;cause=18", true},
		{"486", true},
		{"486;cause=34", true},
		{"487", true},
		{"600", true},
		{"603;cause=34", true},
		{"401", true},
		{"407", true},
		{"408", false},
		{"403", false},
		{"500-599", false},
		{"500-600", true},
		{"400-499", true},
		{"503;cause=17", true},
		{"503;cause=34", false},
	}
	for _, c := range cases {
		rule, err := parseFailoverRule(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if _, final := rule.final(); final != c.final {
			t.Errorf("%s: final %v, want %v", c.rule, final, c.final)
		}
	}
}
