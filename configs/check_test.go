package configs

import (
	"strings"
	"testing"
)

func TestMediaPorts(t *testing.T) {
	cases := []struct{ name, ports, wrong string }{
		{"one call", "10000-10003", ""},
		{"beside a listener", "5062-5999", ""},
		{"holds a listener", "5050-5999", "holds the port of sip.listen[0].addr on line 1; expected ports that nothing listens on"},
		{"too small", "10000-10001", "is too small for one call; expected at least 4 ports"},
		{"odd first", "10001-20000", "holds half a pair; expected an even first and an odd last port"},
		{"even last", "10000-20000", "holds half a pair; expected an even first and an odd last port"},
		{"privileged", "1000-1999", "begins below 1024; expected ports that need no privilege"},
		{"to the last port", "32768-65535", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("test.yaml", []byte("sip: {listen: [{addr: udp://127.0.0.1:5060}]}\nmedia: {ports: "+c.ports+"}\n"), nil)
			if c.wrong != "" {
				wantFault(t, err, "test.yaml:2: media.ports: "+c.wrong)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// One mistake is told once: what depends on a key with a fault stays silent.
func TestNoFaultsFromFaults(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{
			"a carrier with a bad name is not missed by its account",
			"smpp: {listen: [{addr: 127.0.0.1:2775}], accounts: [{system_id: a, password: b, carrier: alfa}]}\ncarriers: [{name: -alfa}]",
			"test.yaml:2: carriers[0].name: is not a name; expected a name of letters, digits, dots, dashes and underscores",
		},
		{
			"a mistyped tenant is not missed",
			"tenants: [{name: shop}]\nsmpp: {listen: [{addr: 127.0.0.1:2775}], accounts: [{system_id: a, password: b, tennant: shop}]}",
			"test.yaml:2: smpp.accounts[0].tennant: is an unknown key; did you mean tenant?",
		},
		{
			"a mistyped required key is not missed",
			"tenants: [{naem: shop}]",
			"test.yaml:1: tenants[0].naem: is an unknown key; did you mean name?",
		},
		{
			"a mistyped list of listeners is not missed",
			"tenants: [{name: shop}]\nsmpp: {listn: [{addr: 127.0.0.1:2775}], accounts: [{system_id: a, password: b, tenant: shop}]}",
			"test.yaml:2: smpp.listn: is an unknown key; did you mean listen?",
		},
		{
			"a bad allow entry does not hide the address of addr",
			"sip: {listen: [{addr: udp://127.0.0.1:5060}]}\ncarriers: [{name: alfa, sip: [{addr: udp://127.0.0.1:5071, allow: [127.0.0.1/8]}]}]",
			"test.yaml:2: carriers[0].sip[0].allow[0]: has bits set beyond its length; expected a network such as 192.0.2.0/24, or an IP address",
		},
		{
			"a bad role does not make all backups",
			"carriers: [{name: alfa, smpp: [{addr: 127.0.0.1:1, system_id: a, role: backup}, {addr: 127.0.0.1:2, system_id: a, role: prime}]}]",
			"test.yaml:1: carriers[0].smpp[1].role: is an unknown value; expected primary or backup",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantFault(t, faultsOf(t, c.text, nil), c.want) })
	}
}

func TestFaultsComeInTheOrderOfTheFile(t *testing.T) {
	last := 0
	for _, f := range faultsOf(t, "routing: {order: x}\nnode: 1\nmedia: {ports: 1-2}\napi: {metrics_listen: 127.0.0.1:8080}\ndrain: {sms: x}\n", nil) {
		if f.Line < last {
			t.Fatalf("line %d after line %d", f.Line, last)
		}
		last = f.Line
	}
	if last != 5 {
		t.Fatalf("last fault on line %d", last)
	}
}

func TestSyntaxFaultsOnTheFirstLine(t *testing.T) {
	for _, text := range []string{"[a", "{a: b", "a: \"b", "!!a b: [", "a: *b", "a: @b", "a: b: c", "%x\n---\na: b", "\ta: b"} {
		faults := faultsOf(t, text, nil)
		if len(faults) != 1 || faults[0].Line != 1 || !strings.Contains(faults[0].Problem, "; expected ") {
			t.Errorf("%q: %v", text, faults)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"listen", "accounts", "tls", "ton", "npi", "window"}
	cases := []struct{ word, want string }{
		{"lisen", "listen"},
		{"lsiten", "listen"},
		{"account", "accounts"},
		{"acounts", "accounts"},
		{"windows", "window"},
		{"tsl", "tls"},
		{"tone", "ton"},
		{"xyz", ""},
		{"colour", ""},
		{"", ""},
		{"widnwo", "window"},
	}
	for _, c := range cases {
		if got := nearest(c.word, words); got != c.want {
			t.Errorf("%q: %q, want %q", c.word, got, c.want)
		}
	}
}
