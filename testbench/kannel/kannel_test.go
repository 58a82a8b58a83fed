package kannel

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	cfg := Config{
		Dir: t.TempDir(), IP: netip.MustParseAddr("127.64.0.9"), Admin: 1, SMSBox: 2, SendSMS: 3, Core: "log-level = 4\n",
		Binds: []Bind{
			{ID: "in", SMSC: netip.MustParseAddrPort("127.0.0.1:2775"), SystemID: "shop", Password: "demo", Lines: International},
			{ID: "out", SMSC: netip.MustParseAddrPort("127.0.0.2:2776"), SystemID: "alfa", Password: "demo"},
		},
		User: "max-messages = 10\n",
	}
	read := func() string {
		t.Helper()
		file, err := cfg.Write()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := read()
	for _, want := range []string{
		"admin-port = 1\n", "smsbox-port = 2\n", "sendsms-port = 3\n", "smsbox-interface = 127.64.0.9\n", "bearerbox-host = 127.64.0.9\n",
		"log-level = 4\n", "smsc-id = in\nhost = 127.0.0.1\nport = 2775\n", "smsc-username = shop\n", "source-addr-ton = 1\n",
		"smsc-id = out\nhost = 127.0.0.2\nport = 2776\n", "group = sendsms-user\nusername = test\npassword = test\nmax-messages = 10\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if cfg.URL() != "http://127.64.0.9:3/cgi-bin/sendsms" {
		t.Error(cfg.URL())
	}
	cfg.SendSMS = 0
	if text := read(); strings.Contains(text, "sendsms-user") || !strings.Contains(text, "sendsms-port = 0\n") {
		t.Error("smsbox takes messages though it should not")
	}
}

func TestPorts(t *testing.T) {
	cfg := Config{IP: netip.MustParseAddr("127.0.0.1")}
	if err := cfg.Ports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if cfg.Admin == 0 || cfg.SMSBox == 0 || cfg.SendSMS == 0 || cfg.Admin == cfg.SMSBox || cfg.SMSBox == cfg.SendSMS || cfg.Admin == cfg.SendSMS {
		t.Errorf("%d, %d, %d", cfg.Admin, cfg.SMSBox, cfg.SendSMS)
	}
}
