package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"maskline/configs"
	"maskline/media"
	"maskline/routing"
	"maskline/sip"
	"maskline/sip/message"
	"maskline/smpp"
)

// fullConfig gives every key that has an effect a value of its own.
const fullConfig = `
drain: {sms: 7s, calls: 8s}
tenants: [{name: shop}]
smpp:
  listen: [{addr: "127.0.0.1:2775", tls: {cert: /c.pem, key: /k.pem, client_ca: /ca.pem}}]
  bind_timeout: 1s
  pdu_timeout: 2s
  auth: {failures: 0, account_failures: 7, per: 3m, delay: 0s}
  answer_within: 4s
  receipts_hold: 5h
  redelivery: 0s
  accounts:
    - {system_id: shop, password: pw1, tenant: shop, country: GB, binds: 2, window: 3, tps: 4, quota: {day: 18}, allow: [10.0.0.0/8], ussd: true, encoding: latin1, special: [silent, replace, class2]}
    - {system_id: alfa-in, password: pw2, carrier: alfa}
sip:
  max_calls: 19
  max_cps: 20
  auth: {realm: here, algorithms: [md5], failures: 0, trunk_failures: 9, per: 4m}
  listen: [{addr: "udp://127.0.0.1:5060", advertise: "192.0.2.1:5061", sockets: 3}, {addr: "tls://127.0.0.1:5061", tls: {cert: /c.pem, key: /k.pem, client_ca: /ca.pem}}]
  message_timeout: 21s
  max_message: 22KiB
  idle_timeout: 23s
  dns_refresh: 26s
  resolver: [192.0.2.53:53]
  connections: 24
  connections_per_source: 25
  peers: [{tenant: shop, country: FR, addr: "udp://127.0.0.1:5090", max_duration: 0s, auth_in: {username: u1, password: pw7}, auth_out: {username: u2, password: pw8, realm: r}, register: {enabled: true, expires: 90s}}]
media: {addr: 127.0.0.2, advertise: 192.0.2.2, ports: 20000-20099, timeout: {initial: 2s, silent: 3s, hold: 4s, one_way: 6s}, relatch: 7s, drain: 5s}
carriers:
  - name: alfa
    country: DE
    priority: 11
    weight: 12
    prefixes: ["44"]
    cost: 0.5
    present: [own, london]
    tps: 19
    mask_tps: 20
    smpp:
      - {addr: "smsc.example:2776", local: 127.0.0.9, role: backup, system_id: us, password: pw3, system_type: t, address_range: r,
         bind: receiver, sessions: 2, window: 13, tps: 14, enquire_link: 15s, response_timeout: 6s, reconnect: {min: 1s, max: 2s, per_minute: 3},
         tls: {enabled: true, ca: /ca.pem, cert: /c.pem, key: /k.pem, name: smsc}, ussd: true, outbind: {enabled: true, system_id: them, password: pw9, allow: [10.0.0.0/8]},
         ton: 2, npi: 3, encoding: ucs2, long: payload, numbers: {country_code: "44", trunk_prefix: "0", international_prefix: "00"}, special: [sim],
         tlvs: [{tag: 0x1400, value: "17"}, {tag: 0x1401, value: 0x00FF}], receipts: hex, unknown: next, reply: {temporary: 0x8, permanent: 0xB, throttled: 0x14}}
      - {addr: "127.0.0.1:2777", system_id: us, long: payload, numbers: {plus: true}}
    sip:
      - {addr: "udp://127.0.0.1:5071", local: "127.0.0.1:5060", allow: [127.0.0.0/8], media_from: [127.0.0.0/8], cps: 16, channels: 17, trust_pai: true,
         probe: {every: 0s, down_after: 4, up_after: 5}, first_response: 1s, trying: 2s, ring: 3s, failover_on: [503, 500-502, "404;cause=2"],
         reliable: required, early_media: ring, session_expires: 0s,
         retry_after_max: 0s, max_duration: 1h, cli: {header: [pai], format: national, country_code: "44", trunk_prefix: "0", international_prefix: "00", user: acct, domain: example.net}, tech_prefix: "9#", codecs: [PCMA, telephone-event], t38: relay, rtcp_mux: true, latch: strict, dscp: 10, tcp_above: 1300}
  - name: bravo
    cost: 2
    sip: [{allow: [127.0.0.3/32]}, {addr: "tls://127.0.0.1:5072", tls: {ca: /ca.pem, cert: /c.pem, key: /k.pem, name: sbc, peer: [a, b]}, srtp: required}]
routing:
  order: cost
  share: {of: 0.5, slower_than: 9s}
  unknown_mask: {sms: drop, voice: 404}
  out_of_session: {voice: 480}
  ended_session: {voice: 603}
  emergency: {numbers: {GB: ["999"]}, trunk: alfa}
  breaker: {window: 1m, ratio: 0.25, min: 6, half_open_after: 7s}
  loop: {repeats: 8, within: 9s}
  opt_out: {enabled: false, scope: session, words: {default: BYE, "1": [], "32": [], "33": FIN, "41": [], "352": [], "377": []}, start: GO}
  rules:
    - {name: one, when: {tenant: shop, direction: outbound, sender: ["44", withheld], text: "/x/"}, then: drop}
    - {name: two, when: {direction: inbound}, status: 0x400}
`

func fullParsed(t *testing.T) *configs.Config {
	t.Helper()
	cfg, err := configs.Parse("edge.yaml", []byte(fullConfig+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestRoutingConfig(t *testing.T) {
	want := routing.Config{
		Order: routing.ByCost,
		Carriers: []routing.CarrierConfig{
			{Name: "alfa", Priority: 11, Weight: 12, Prefixes: []string{"44"}, Cost: 0.5, Services: routing.SMS | routing.Voice, Present: routing.Presenting{Some: true, Own: true, Pools: []string{"london"}}},
			{Name: "bravo", Priority: 100, Weight: 1, Cost: 2, Services: routing.Voice},
		},
		UnknownMask:  routing.Answer{Drop: true, Code: 404},
		OutOfSession: routing.Answer{Code: 480},
		EndedSession: routing.Answer{Code: 603},
		Emergency: routing.EmergencyConfig{
			Numbers: map[string][]string{"default": {"112", "911", "999", "000"}, "GB": {"999"}}, Trunk: "alfa",
		},
		Breaker: routing.BreakerConfig{Window: time.Minute, Ratio: 0.25, Min: 6, HalfOpenAfter: 7 * time.Second},
		Loop:    routing.LoopConfig{Repeats: 8, Within: 9 * time.Second},
		Rules: []routing.RuleConfig{
			{Name: "one", Tenant: "shop", Direction: routing.Outbound, Senders: []string{"44", "withheld"}, Text: []string{"/x/"}, Drop: true, Status: 0x45},
			{Name: "two", Direction: routing.Inbound, Status: 0x400},
		},
		OptOut: routing.OptOutConfig{
			Session: true, Start: []string{"GO"}, Help: []string{"HELP", "INFO"},
			Stop: map[string][]string{"default": {"BYE"}, "33": {"FIN"}, "1": nil, "32": nil, "41": nil, "352": nil, "377": nil},
		},
	}
	want.TenantOptOuts = map[string]routing.OptOutConfig{"shop": want.OptOut}
	if diff := cmp.Diff(want, routingConfig(fullParsed(t), nil)); diff != "" {
		t.Fatal(diff)
	}
}

func TestSMPPConfig(t *testing.T) {
	two, three, one := byte(2), byte(3), byte(1)
	want := smpp.Config{
		Listen: []smpp.ListenConfig{{Addr: "127.0.0.1:2775", TLS: smpp.ServerTLS{Cert: "/c.pem", Key: "/k.pem", ClientCA: "/ca.pem"}}}, Drain: 7 * time.Second,
		BindTimeout: time.Second, PDUTimeout: 2 * time.Second, AnswerWithin: 4 * time.Second, ReceiptsHold: 5 * time.Hour,
		Redelivery: -1, Share: smpp.ShareConfig{Of: 0.5, SlowerThan: 9 * time.Second},
		Auth: smpp.AuthConfig{Failures: 1 << 30, AccountFailures: 7, Per: 3 * time.Minute, Delay: -1},
		Accounts: []smpp.AccountConfig{
			{
				SystemID: "shop", Password: "pw1", Tenant: "shop", Country: "GB", CallingCode: 44, Binds: 2, Window: 3, TPS: 4, Quota: smpp.QuotaConfig{Day: 18}, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, USSD: true,
				Encoding: smpp.Latin1, Special: smpp.SpecialSilent | smpp.SpecialReplace | smpp.SpecialClass2,
			},
			{SystemID: "alfa-in", Password: "pw2", Carrier: "alfa", Binds: 4, Window: 256},
		},
		Carriers: []smpp.CarrierConfig{{Name: "alfa", Country: "DE", CallingCode: 49, TPS: 19, MaskTPS: 20, Binds: []smpp.BindConfig{
			{
				Addr: "smsc.example:2776", Local: "127.0.0.9", Backup: true, SystemID: "us", Password: "pw3", SystemType: "t", AddressRange: "r",
				BindType: smpp.Receiver, Sessions: 2, Window: 13, TPS: 14, EnquireLink: 15 * time.Second, ResponseTimeout: 6 * time.Second,
				Reconnect: smpp.Reconnect{Min: time.Second, Max: 2 * time.Second, PerMinute: 3},
				TLS:       smpp.ClientTLS{Enabled: true, CA: "/ca.pem", Cert: "/c.pem", Key: "/k.pem", Name: "smsc"},
				USSD:      true,
				Outbind:   smpp.OutbindConfig{Enabled: true, SystemID: "them", Password: "pw9", Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
				TON:       &two, NPI: &three, Receipts: smpp.HexIDs, UnknownNext: true,
				Encoding: smpp.UCS2, Long: smpp.LongPayload, Special: smpp.SpecialSIM,
				Numbers: &smpp.Numbers{CountryCode: "44", TrunkPrefix: "0", International: "00"},
				TLVs:    []smpp.TLV{{Tag: 0x1400, Value: []byte("17")}, {Tag: 0x1401, Value: []byte{0, 0xFF}}},
				Reply:   smpp.Reply{Temporary: 0x8, Permanent: 0xB, Throttled: 0x14},
			},
			{
				Addr: "127.0.0.1:2777", SystemID: "us", Sessions: 1, Window: 10, EnquireLink: 30 * time.Second, ResponseTimeout: 10 * time.Second,
				Reconnect: smpp.Reconnect{Min: 200 * time.Millisecond, Max: 5 * time.Second, PerMinute: 20}, TON: &one, NPI: &one,
				Long: smpp.LongPayload, Numbers: &smpp.Numbers{Plus: true},
				Reply: smpp.Reply{Temporary: 0x64, Permanent: 0x65, Throttled: 0x58},
			},
		}}},
	}
	if diff := cmp.Diff(want, smppConfig(fullParsed(t)), comparers); diff != "" {
		t.Fatal(diff)
	}
}

func TestSIPConfig(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	other := sip.TrunkConfig{
		Probe:         sip.Probe{Every: 10 * time.Second, DownAfter: 3, UpAfter: 2},
		FirstResponse: 3 * time.Second, Trying: 6 * time.Second, Ring: time.Minute,
		FailoverOn:    []string{"500", "502", "503", "504", "404;cause=2", "404;cause=3"},
		RetryAfterMax: 30 * time.Second, MaxDuration: 4 * time.Hour,
		Reliable: sip.ReliableSupported, EarlyMedia: sip.EarlyMediaPass, SessionExpires: 30 * time.Minute,
		CLI: sip.CLI{Header: []string{"from", "pai"}, Format: "e164"}, SRTP: sip.SRTPOff, DSCP: 46,
	}
	other.Register.Expires = 10 * time.Minute
	onlyIn, out, peer := other, other, other
	onlyIn.Name, onlyIn.Carrier, onlyIn.Allow = "bravo/1", "bravo", []netip.Prefix{netip.MustParsePrefix("127.0.0.3/32")}
	out.Name, out.Carrier, out.Addr, out.Allow = "bravo/2", "bravo", "tls://127.0.0.1:5072", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	out.SRTP = sip.SRTPRequired
	out.TLS = sip.ClientTLS{CA: "/ca.pem", Cert: "/c.pem", Key: "/k.pem", Name: "sbc", Peer: []string{"a", "b"}}
	peer.Name, peer.Tenant, peer.Country, peer.Addr = "shop/pbx1", "shop", "FR", "udp://127.0.0.1:5090"
	peer.Allow, peer.MaxDuration = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, noLimit
	peer.AuthIn, peer.AuthOut = sip.AuthIn{Username: "u1", Password: "pw7"}, sip.AuthOut{Username: "u2", Password: "pw8", Realm: "r"}
	peer.Register = sip.Register{Enabled: true, Expires: 90 * time.Second}
	want := sip.Config{
		Drain: 8 * time.Second, MessageTimeout: 21 * time.Second, MaxMessage: 22 << 10, IdleTimeout: 23 * time.Second, DNSRefresh: 26 * time.Second, Nameservers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
		MaxStreams: 24, MaxStreamsPerSource: 25,
		MaxCalls: 19, MaxCPS: 20,
		Auth: sip.Auth{Realm: "here", Algorithms: []string{"md5"}, Failures: 1 << 30, TrunkFailures: 9, Per: 4 * time.Minute},
		Listen: []sip.Listen{
			{Addr: "udp://127.0.0.1:5060", Advertise: "192.0.2.1:5061", Sockets: 3},
			{Addr: "tls://127.0.0.1:5061", TLS: sip.ServerTLS{Cert: "/c.pem", Key: "/k.pem", ClientCA: "/ca.pem"}},
		},
		Trunks: []sip.TrunkConfig{
			{
				Name: "alfa", Carrier: "alfa", Country: "DE", Addr: "udp://127.0.0.1:5071", Local: "127.0.0.1:5060",
				Allow: loopback, MediaFrom: loopback, CPS: 16, Channels: 17, TrustPAI: true,
				Probe:         sip.Probe{Every: -1, DownAfter: 4, UpAfter: 5},
				FirstResponse: time.Second, Trying: 2 * time.Second, Ring: 3 * time.Second,
				FailoverOn:    []string{"503", "500-502", "404;cause=2"},
				RetryAfterMax: atOnce, MaxDuration: time.Hour,
				Reliable: sip.ReliableRequired, EarlyMedia: sip.EarlyMediaRing, SessionExpires: -1,
				CLI: sip.CLI{
					Header: []string{"pai"}, Format: "national", CountryCode: "44", TrunkPrefix: "0", InternationalPrefix: "00", User: "acct", Domain: "example.net",
				},
				TechPrefix: "9#", Codecs: []string{"PCMA", "telephone-event"}, Fax: true, SRTP: sip.SRTPOff, Mux: true, Strict: true, DSCP: 10, TCPAbove: 1300,
				Register: sip.Register{Expires: 10 * time.Minute},
			},
			onlyIn, out, peer,
		},
		OwnMedia: []message.OwnMedia{{Addr: netip.MustParseAddr("192.0.2.2"), PortMin: 20000, PortMax: 20099}},
		Voice:    voiceConfig(fullParsed(t)), // has a test of its own
	}
	if diff := cmp.Diff(want, sipConfig(fullParsed(t)), comparers); diff != "" {
		t.Fatal(diff)
	}
}

func TestMediaConfig(t *testing.T) {
	want := media.Config{
		Addr: netip.MustParseAddr("127.0.0.2"), Advertise: netip.MustParseAddr("192.0.2.2"), PortMin: 20000, PortMax: 20099,
		Backend: "auto", Initial: 2 * time.Second, Silent: 3 * time.Second, Hold: 4 * time.Second, OneWay: 6 * time.Second, Relatch: 7 * time.Second, Drain: 5 * time.Second,
		MaxPlaying: 500, Connections: 24,
	}
	if diff := cmp.Diff(want, mediaConfig(fullParsed(t)), comparers); diff != "" {
		t.Fatal(diff)
	}
}

// TestConnectionsNeedDescriptors has them counted where somebody can make them.
func TestConnectionsNeedDescriptors(t *testing.T) {
	for transport, want := range map[string]int{"udp": 0, "tcp": 4321, "tls": 4321} {
		cfg := fullParsed(t)
		cfg.SIP.Connections = 4321
		cfg.SIP.Listen = append(cfg.SIP.Listen[:0:0], cfg.SIP.Listen[0], cfg.SIP.Listen[0])
		cfg.SIP.Listen[0].Addr.Transport, cfg.SIP.Listen[1].Addr.Transport = transport, "udp"
		if got := mediaConfig(cfg).Connections; got != want {
			t.Errorf("%s: %d connections", transport, got)
		}
	}
}

// TestSeveralMediaAddresses has the second one advertised; a trunk names it by what
// it is bound to.
func TestSeveralMediaAddresses(t *testing.T) {
	cfg := fullParsed(t)
	first, second, told := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8::1")
	cfg.Media.Addr, cfg.Media.Advertise = []netip.Addr{first, second}, []netip.Addr{first, told}
	cfg.Carriers[0].SIP[0].Media = second
	m, s := mediaConfig(cfg), sipConfig(cfg)
	if diff := cmp.Diff([]media.Address{{Addr: second, Advertise: told}}, m.Others, comparers); diff != "" {
		t.Error(diff)
	}
	if len(s.OwnMedia) != 2 || s.OwnMedia[1].Addr != told || s.Trunks[0].Media != told || s.Trunks[1].Media.IsValid() {
		t.Errorf("%+v, trunks at %v and %v", s.OwnMedia, s.Trunks[0].Media, s.Trunks[1].Media)
	}
}

var comparers = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}), cmpopts.EquateEmpty()}

// TestTrunkNames has a trunk with a name keep it wherever it stands among others.
func TestTrunkNames(t *testing.T) {
	var cfg configs.Config
	cfg.Carriers = []configs.Carrier{
		{Name: "alone", SIP: []configs.Trunk{{}}},
		{Name: "named", SIP: []configs.Trunk{{Name: "lon"}}},
		{Name: "many", SIP: []configs.Trunk{{}, {Name: "fra"}, {}}},
	}
	cfg.SIP.Peers = []configs.Peer{{Tenant: "shop"}, {Tenant: "shop", Trunk: configs.Trunk{Name: "desk"}}, {Tenant: "shop"}}
	var names []string
	for _, trunk := range sipConfig(&cfg).Trunks {
		names = append(names, trunk.Name)
	}
	want := []string{"alone", "named/lon", "many/1", "many/fra", "many/3", "shop/pbx1", "shop/desk", "shop/pbx3"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatal(diff)
	}
}
