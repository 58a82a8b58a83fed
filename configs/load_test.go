package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("test.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// faultsOf parses a file that is to be refused.
func faultsOf(t *testing.T, text string, env func(string) (string, bool)) Faults {
	t.Helper()
	_, err := Parse("test.yaml", []byte(text), env)
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("accepted: %v", err)
	}
	return faults
}

func wantFault(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Fatalf("faults:\n%v\nwant:\n%s", err, want)
	}
}

func TestDefaultsOfAnEmptyMapping(t *testing.T) {
	cfg, err := Parse("/etc/maskline.yaml", []byte("{}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Node != "edge-1" || cfg.DataDir != "/etc/data" || cfg.Secrets.KeyFile != "/etc/data/master.key" {
		t.Errorf("node %q, data_dir %q, key_file %q", cfg.Node, cfg.DataDir, cfg.Secrets.KeyFile)
	}
	if cfg.SMPP.AnswerWithin != 10*time.Second || cfg.Drain.Calls != 30*time.Minute || cfg.Routing.UnknownMask.Voice.Code != 404 {
		t.Error("a default is missing")
	}
	if got := fmt.Sprint(cfg.Routing.Emergency.Numbers[DefaultCountry]); got != "[112 911 999 000]" {
		t.Errorf("emergency strings %s", got)
	}
}

func TestDefaultsOfAnEntry(t *testing.T) {
	cfg := mustParse(t, `
sip: {listen: [{addr: "udp://127.0.0.1:5060"}]}
carriers:
  - name: alfa
    smpp: [{addr: 127.0.0.1:2776, system_id: maskline}]
    sip: [{addr: "udp://127.0.0.1:5071"}]
`)
	bind, trunk := &cfg.Carriers[0].SMPP[0], &cfg.Carriers[0].SIP[0]
	if bind.Sessions != 1 || bind.Window != 10 || bind.Role != Primary || bind.Reply.Throttled != 0x58 || bind.TON != 1 {
		t.Errorf("bind %+v", bind)
	}
	if trunk.FirstResponse != 3*time.Second || trunk.Probe.DownAfter != 3 || len(trunk.FailoverOn) != 6 || trunk.SRTP != SRTPOff {
		t.Errorf("trunk %+v", trunk)
	}
	if fmt.Sprint(trunk.Allow) != "[127.0.0.1/32]" {
		t.Errorf("allow %v, want the address of addr", trunk.Allow)
	}
	if cfg.Carriers[0].Priority != 100 || fmt.Sprint(cfg.Carriers[0].Present) != "[any]" {
		t.Errorf("carrier %+v", cfg.Carriers[0])
	}
}

// Every default must be readable as a value of its key, and lie in its bounds.
func TestDefaultsAreValid(t *testing.T) {
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for _, f := range fieldsOf(typ) {
			at := under(path, f.key)
			if f.def != "" {
				d := newDecoder("", "", nil)
				root, fault := document([]byte(f.def))
				if fault != nil {
					t.Fatalf("%s: %v", at, fault)
				}
				d.value(reflect.New(f.typ).Elem(), root, at, &f)
				if len(d.faults) > 0 {
					t.Errorf("%v", d.faults)
				}
			}
			if f.section() {
				inner := f.typ
				if inner.Kind() == reflect.Slice {
					inner = inner.Elem()
				}
				walk(inner, at)
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
}

func TestAccepted(t *testing.T) {
	bind := "carriers: [{name: alfa, smpp: [{addr: 127.0.0.1:2776, system_id: maskline, %s}]}]"
	cases := []struct{ name, text string }{
		{"an upstream is answered before a bind's response is due", "smpp: {answer_within: 5s}\n" + fmt.Sprintf(bind, "response_timeout: 10s")},
		{"a value alone is a list of one", "media: {addr: 127.0.0.1}\ncarriers: [{name: alfa, prefixes: 44, present: any, smpp: [{addr: 127.0.0.1:2776, system_id: a}]}]"},
		{"a carrier that only binds to us", "smpp: {listen: [{addr: 127.0.0.1:2775}], accounts: [{system_id: a, password: b, carrier: alfa}]}\ncarriers: [{name: alfa}]"},
		{"a trunk that only sends to us", "sip: {listen: [{addr: udp://127.0.0.1:5060}]}\ncarriers: [{name: alfa, sip: [{allow: [192.0.2.0/24]}]}]"},
		{"a trunk through one of two listeners", "sip: {listen: [{addr: udp://127.0.0.1:5060}, {addr: udp://127.0.0.2:5060}]}\ncarriers: [{name: alfa, sip: [{addr: udp://127.0.0.1:5071, local: 127.0.0.2:5060}]}]"},
		{"kernel-chosen ports", "api: {listen: 127.0.0.1:0}\nsmpp: {listen: [{addr: 127.0.0.1:0}, {addr: 127.0.0.1:0}]}\nsip: {listen: [{addr: udp://127.0.0.1:0}]}"},
		{"one port over TCP and UDP", "smpp: {listen: [{addr: 127.0.0.1:5060}]}\nsip: {listen: [{addr: udp://127.0.0.1:5060}]}"},
		{"every address, told otherwise", "sip: {listen: [{addr: udp://0.0.0.0:5060, advertise: sip.edge.example:5060}]}\nmedia: {addr: 0.0.0.0, advertise: 192.0.2.1}"},
		{"explicit defaults of later features", fmt.Sprintf(bind, `tls: {enabled: false, ca: "", cert: "", key: "", name: ""}, encoding: gsm7, long: udh, tlvs: []`)},
		{"empty entries of later features", `api: {oidc: [{issuer: "", audience: "", tenant_claim: "", role_claim: ""}], webhooks: {allow_private: []}}`},
		{"probes off", "sip: {listen: [{addr: udp://127.0.0.1:5060}]}\ncarriers: [{name: alfa, sip: [{addr: udp://127.0.0.1:5071, probe: {every: 0s}}]}]"},
		{"digits without quotes stay as written", "carriers: [{name: alfa, prefixes: [0044, 33], smpp: [{addr: 127.0.0.1:2776, system_id: 007}]}]"},
		{"comments and a byte order mark", "\ufeff# first\nnode: edge-2 # second\n"},
		{"carriage returns", "node: edge-2\r\ndrain: {sms: 1s}\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { mustParse(t, c.text) })
	}
}

func TestDigitsKeepTheirZeros(t *testing.T) {
	cfg := mustParse(t, "routing: {emergency: {numbers: {AU: [000, 106]}}}\ncarriers: [{name: alfa, prefixes: [0044], smpp: [{addr: 127.0.0.1:2776, system_id: a}]}]")
	if cfg.Carriers[0].Prefixes[0] != "0044" || cfg.Routing.Emergency.Numbers["AU"][0] != "000" {
		t.Fatal("zeros were lost")
	}
}

func TestOwnEmergencyStringsLeaveTheDefaultAlone(t *testing.T) {
	cfg := mustParse(t, `routing: {emergency: {numbers: {GB: ["999"]}}}`)
	if len(cfg.Routing.Emergency.Numbers[DefaultCountry]) != 4 || len(cfg.Routing.Emergency.Numbers["GB"]) != 1 {
		t.Fatalf("%v", cfg.Routing.Emergency.Numbers)
	}
}

func TestPathsStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "maskline.yaml")
	if err := os.WriteFile(file, []byte("data_dir: store\nsecrets: {key_file: keys/master.key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(cfg.DataDir) != filepath.Join(dir, "store") || cfg.Secrets.KeyFile != filepath.Join(dir, "store/keys/master.key") {
		t.Fatalf("data_dir %s, key_file %s", cfg.DataDir, cfg.Secrets.KeyFile)
	}
	t.Chdir(dir)
	if cfg, err = Load("maskline.yaml", nil); err != nil || string(cfg.DataDir) != filepath.Join(dir, "store") {
		t.Fatalf("%v, %v", cfg, err)
	}
}

func TestUnreadableFiles(t *testing.T) {
	_, err := Load(filepath.Join("testdata", "none.yaml"), nil)
	wantFault(t, err, "testdata/none.yaml: cannot be read (no such file or directory)")
	_, err = Load("testdata", nil)
	wantFault(t, err, "testdata: cannot be read (is a directory)")
}

func TestBoundedInput(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"too large", "# " + strings.Repeat("x", maxFile), "test.yaml: is larger than 4 MiB; expected less"},
		{"deep brackets", strings.Repeat("[", 20_000), "test.yaml:1: the file is nested too deeply; expected the documented keys"},
		{"deep keys", strings.Repeat("{a: ", 20_000), "test.yaml:1: the file is nested too deeply; expected the documented keys"},
		{"aliases that unfold", "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nnode: *c\n", ""},
		{"too many entries", "tenants: [" + strings.Repeat("{},", maxEntries+1) + "]", "test.yaml:1: tenants: has too many entries; expected at most 20000 in all lists together"},
		{"no text", "\xff\xfe\xfd", "test.yaml:1: the file holds octets that are no text; expected text in UTF-8"},
		{"control characters", "node: \x01", "test.yaml:1: the file holds control characters; expected text in UTF-8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			faults := faultsOf(t, c.text, nil)
			if c.want != "" {
				wantFault(t, faults, c.want)
			}
		})
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	faults := faultsOf(t, "tenants:\n"+strings.Repeat("  - {colour: red, name: 1}\n", 80), nil)
	if len(faults) != maxFaults+1 {
		t.Fatalf("%d faults", len(faults))
	}
	if last := faults[maxFaults].Error(); last != "test.yaml: and 60 more faults" {
		t.Fatalf("last fault %q", last)
	}
}

func TestUnicodeBreaksNothing(t *testing.T) {
	wantFault(t, faultsOf(t, "nöde: x", nil), "test.yaml:1: has an unknown key; expected "+oneOf(keysOf(fieldsOf(reflect.TypeFor[Config]()))))
}
