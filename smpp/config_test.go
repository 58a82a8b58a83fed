package smpp

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func TestDefaults(t *testing.T) {
	c := Config{Accounts: []AccountConfig{{}}, Carriers: []CarrierConfig{{Binds: []BindConfig{{}}}}}.withDefaults()
	if c.BindTimeout != 5*time.Second || c.PDUTimeout != 5*time.Second || c.AnswerWithin != 10*time.Second ||
		c.ReceiptsHold != 24*time.Hour || c.Drain != 30*time.Second || c.Auth != (AuthConfig{10, 50, time.Minute, 500 * time.Millisecond}) {
		t.Errorf("%+v", c)
	}
	b := c.Carriers[0].Binds[0]
	if b.Sessions != 1 || b.Window != 128 || b.EnquireLink != 30*time.Second || b.ResponseTimeout != 10*time.Second ||
		b.Reconnect != (Reconnect{Min: 200 * time.Millisecond, Max: 5 * time.Second}) || *b.TON != 1 || *b.NPI != 1 ||
		b.Reply != (Reply{0x64, 0x65, 0x58}) {
		t.Errorf("%+v", b)
	}
	if c.Accounts[0].Window != 256 {
		t.Errorf("%+v", c.Accounts[0])
	}
}

func TestDefaultsLeaveTheCallersConfigAlone(t *testing.T) {
	c := Config{Carriers: []CarrierConfig{{Binds: []BindConfig{{}}}}}
	_ = c.withDefaults()
	if c.Carriers[0].Binds[0].Window != 0 {
		t.Fatal("the caller's configuration changed")
	}
}

func TestConfigFaults(t *testing.T) {
	account := AccountConfig{SystemID: "shop", Tenant: "shop"}
	cases := []struct {
		name string
		cfg  Config
		want string
	}{
		{"no owner", Config{Accounts: []AccountConfig{{SystemID: "x"}}}, "either a tenant or a carrier"},
		{"two owners", Config{Accounts: []AccountConfig{{SystemID: "x", Tenant: "a", Carrier: "b"}}}, "either a tenant or a carrier"},
		{"twice", Config{Accounts: []AccountConfig{account, account}}, "stands twice"},
		{"window", Config{Accounts: []AccountConfig{{SystemID: "x", Tenant: "a", Window: 1 << 20}}}, "a window is"},
		{"carrier unknown to routing", Config{Carriers: []CarrierConfig{{Name: "bravo"}}}, "not known to routing"},
		{"carrier of an account", Config{Accounts: []AccountConfig{{SystemID: "x", Carrier: "bravo"}}}, "no carrier is named"},
		{"long password", Config{Carriers: []CarrierConfig{{Name: "alfa", Binds: []BindConfig{{Password: "123456789"}}}}}, "faulty password"},
		{"window of a bind", Config{Carriers: []CarrierConfig{{Name: "alfa", Binds: []BindConfig{{Window: -1}}}}}, "a window is"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.cfg, routerOver(t, testTable(), "alfa"), Volatile{}, zap.NewNop(), prometheus.NewRegistry())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "123456789") {
				t.Fatal("the fault quotes a secret")
			}
		})
	}
}
