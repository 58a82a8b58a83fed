package smpp

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
	"maskline/tlsfile"
)

// reload applies a change of the configuration that the bench runs with.
func (b *bench) reload(t testing.TB, cfg Config, change func(*Config)) []string {
	t.Helper()
	cfg.Accounts = append([]AccountConfig(nil), cfg.Accounts...)
	change(&cfg)
	files, err := b.Reload(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestANewPasswordIsForNewBinds(t *testing.T) {
	b := startEdge(t, baseConfig())
	standing := bound(t, b.addr, pdu.BindTransceiver, "shop")
	b.reload(t, baseConfig(), func(c *Config) { c.Accounts[0].Password = "open" })
	if f := dialWire(t, b.addr).bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.RBindFail {
		t.Errorf("the old password is answered with 0x%02X", uint32(f.Status))
	}
	if f := dialWire(t, b.addr).bindAs(t, pdu.BindTransceiver, "shop", "open", pdu.Version34); f.Status != pdu.ROK {
		t.Errorf("the new password is answered with 0x%02X", uint32(f.Status))
	}
	standing.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 7))
	standing.expect(t, pdu.EnquireLinkResp, pdu.ROK)
}

func TestANewAccountBinds(t *testing.T) {
	b := startEdge(t, baseConfig())
	if f := dialWire(t, b.addr).bindAs(t, pdu.BindTransceiver, "kiosk", "sesame", pdu.Version34); f.Status != pdu.RBindFail {
		t.Fatalf("answered with 0x%02X before the reload", uint32(f.Status))
	}
	b.reload(t, baseConfig(), func(c *Config) {
		c.Accounts = append(c.Accounts, AccountConfig{SystemID: "kiosk", Password: "sesame", Tenant: "shop"})
	})
	kiosk := bound(t, b.addr, pdu.BindTransceiver, "kiosk")
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	kiosk.send(t, pdu.SubmitSM, text(alice, maskOutlet, "hello"))
	outlet.respond(t, outlet.expect(t, pdu.DeliverSM, pdu.ROK), pdu.ROK, "")
	kiosk.expect(t, pdu.SubmitSMResp, pdu.ROK)
	if n := b.counted("kiosk", "outlet", outcomeAccepted); n != 1 {
		t.Errorf("%d messages are counted", n)
	}
}

// A removed account finishes what is in flight, gets nothing new, and is
// unbound properly.
func TestARemovedAccountIsUnbound(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	b := startEdge(t, cfg)
	carrier := s.bind(t)
	b.waitUp(t, "alfa")
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "before"))
	inFlight := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	b.reload(t, cfg, func(c *Config) { c.Accounts = c.Accounts[1:] })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "after"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
	carrier.respond(t, inFlight, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	unbind := shop.expect(t, pdu.Unbind, pdu.ROK)
	shop.write(t, pdu.AppendHeader(nil, pdu.UnbindResp, pdu.ROK, unbind.Sequence))
	shop.expectEnd(t)
	if f := dialWire(t, b.addr).bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.RBindFail {
		t.Errorf("a bind after it is answered with 0x%02X", uint32(f.Status))
	}
	b.reload(t, cfg, func(*Config) {})
	bound(t, b.addr, pdu.BindTransceiver, "shop")
}

func TestARemovedAccountThatDoesNotAnswerIsCut(t *testing.T) {
	b := startEdge(t, baseConfig())
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	b.reload(t, baseConfig(), func(c *Config) { c.Accounts = c.Accounts[1:] })
	shop.expect(t, pdu.Unbind, pdu.ROK)
	shop.expectEnd(t)
}

func TestANewRateCountsAtOnce(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	cfg := baseConfig()
	cfg.Carriers = b.cfg.Carriers
	b.reload(t, cfg, func(c *Config) { c.Accounts[0].TPS = 1 })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "1"))
	first := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "2"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RThrottled)
	carrier.respond(t, first, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestNewCredentialsAreForTheNextBind(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	b := startEdge(t, cfg)
	first := s.bind(t)
	b.waitUp(t, "alfa")
	renamed := carrierAt("alfa", s.addr())
	renamed.Binds[0].SystemID = "renamed"
	b.reload(t, cfg, func(c *Config) { c.Carriers = []CarrierConfig{renamed} })
	first.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 7))
	first.expect(t, pdu.EnquireLinkResp, pdu.ROK)
	first.conn.Close()
	s.bind(t)
	if got := s.lastBind(); got != "renamed" {
		t.Errorf("the next bind is %q's", got)
	}
}

// A reload that cannot be applied whole is not applied at all.
func TestAFailedReloadChangesNothing(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	cfg := baseConfig()
	cfg.Listen[0].TLS = ca.server("edge")
	cases := []struct {
		name, want string
		change     func(*Config)
	}{
		{"certificate missing", "reading a certificate", func(c *Config) {
			c.Listen = []ListenConfig{{Addr: cfg.Listen[0].Addr, TLS: ca.server("none")}}
		}},
		{"another tenant", "are fixed", func(c *Config) { c.Accounts[1].Tenant = "other" }},
		{"another address", "are fixed", func(c *Config) { c.Listen = []ListenConfig{{Addr: "127.0.0.1:1"}} }},
		{"another carrier", "are fixed", func(c *Config) { c.Carriers = []CarrierConfig{carrierAt("bravo", "127.0.0.1:1")} }},
	}
	b := startEdge(t, cfg)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := cfg
			changed.Accounts = append([]AccountConfig(nil), cfg.Accounts...)
			changed.Accounts[0].Password = "open"
			c.change(&changed)
			if _, err := b.Reload(changed); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			w, err := dialTLS(t, b.addr, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			if f := w.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.ROK {
				t.Errorf("the password in force is answered with 0x%02X", uint32(f.Status))
			}
			w.conn.Close()
		})
	}
}

// The files are read again; connections that stand keep what they have.
func TestCertificatesAreReadAgain(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "old.example", time.Hour)
	cfg := baseConfig()
	cfg.Listen[0].TLS = ca.server("edge")
	b := startEdge(t, cfg)
	roots, err := tlsfile.Authorities(ca.certFile("ca"))
	if err != nil {
		t.Fatal(err)
	}
	standing, err := dialTLS(t, b.addr, &tls.Config{RootCAs: roots, ServerName: "old.example"})
	if err != nil {
		t.Fatal(err)
	}
	standing.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34)
	if files := b.reload(t, cfg, func(*Config) {}); len(files) != 0 {
		t.Errorf("a reload without a change tells %v", files)
	}
	ca.issue(t, "edge", "new.example", time.Hour)
	if files := b.reload(t, cfg, func(*Config) {}); len(files) != 1 || !strings.HasPrefix(files[0], "certificates of listener ") {
		t.Errorf("told %v", files)
	}
	if _, err := dialTLS(t, b.addr, &tls.Config{RootCAs: roots, ServerName: "new.example"}); err != nil {
		t.Errorf("the new certificate is not in use: %v", err)
	}
	standing.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 7))
	standing.expect(t, pdu.EnquireLinkResp, pdu.ROK)
}

// A reload may add an account while the metrics are being read.
func TestAccountAddedDuringAScrape(t *testing.T) {
	s := newStill(t, nil)
	before := s.metrics.peers.Load()
	cfgs := append(s.cfg.Accounts[:2:2], AccountConfig{SystemID: "late", Tenant: "shop", Window: 10})
	next, _, err := s.withAccounts(s.accounts.Load(), cfgs)
	if err != nil {
		t.Fatal(err)
	}
	next.byID["late"].apply(&cfgs[2])
	s.accounts.Store(next)
	s.account("late")
	s.metrics.peers.Store(before) // read before the account was there
	if _, err := s.registry.Gather(); err != nil {
		t.Fatal(err)
	}
}
