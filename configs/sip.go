package configs

import (
	"net/netip"
	"time"
)

// SIP is the listeners, and the tenants' own peers.
type SIP struct {
	// Listeners. Default empty: none, and no calls.
	Listen []SIPListen `key:"listen"`
	// Time from the first to the last octet of a message on a stream; not 0. Default 5s.
	MessageTimeout time.Duration `key:"message_timeout" default:"5s" min:"1ms"`
	// Largest message on a stream, in bytes; not 0. Default 64KiB.
	MaxMessage Size `key:"max_message" default:"64KiB" min:"4KiB" max:"1MiB"`
	// Time without an octet after which a connection is closed; not 0. Default 10m.
	IdleTimeout time.Duration `key:"idle_timeout" default:"10m" min:"1s"`
	// IP addresses and ports of the DNS servers that names of neighbours are looked up at, asked in this order until one answers. Default empty: those of /etc/resolv.conf.
	Resolver []netip.AddrPort `key:"resolver"`
	// Time after which a neighbour's name is looked up again whose answer has no lifetime, and the longest pause after a lookup that failed; not 0. Default 1m.
	DNSRefresh time.Duration `key:"dns_refresh" default:"1m" min:"5s"`
	// Connections over TCP and TLS that others make to us, at a time and in all; not 0. Default 4096.
	Connections int `key:"connections" default:"4096" min:"1" max:"1000000"`
	// Those of them that come from one address, of IPv6 from one /64; not 0. Default 64.
	ConnectionsPerSource int `key:"connections_per_source" default:"64" min:"1" max:"1000000"`
	// Calls in memory, ended ones for up to 32 s included; beyond it new ones are answered 503; not 0. Default 200000.
	MaxCalls int `key:"max_calls" default:"200000" min:"1" max:"10000000"`
	// New calls per second of all neighbours together; beyond it they are answered 503 with Retry-After; 0: no limit. Default 0.
	MaxCPS int `key:"max_cps" default:"0" min:"0" max:"1000000"`
	// What slows down whoever guesses the passwords of auth_in.
	Auth SIPAuth `key:"auth"`
	// Tenants' own PBXs and apps. Default empty: none.
	Peers []Peer `key:"peers" live:"whole"`
}

// SIPAuth is what all trunks with auth_in have in common. Calls that stand are
// untouched by it.
type SIPAuth struct {
	// Realm that we ask for. Default maskline.
	Realm string `key:"realm" default:"maskline" octets:"64"`
	// Algorithms that we offer, the preferred one first. Some older neighbours fail at two challenges, or at one of sha-256: offer md5 alone then. Default [sha-256, md5].
	Algorithms []DigestAlgorithm `key:"algorithms" default:"[sha-256, md5]"`
	// Wrong answers of one source within auth.per after which its credentials are not looked at;
	// 0: no limit. Default 10.
	Failures int `key:"failures" default:"10" min:"0" max:"1000000"`
	// Wrong answers to one trunk within auth.per, by sources that it is not known by, after which such
	// sources are refused; 0: no limit. Networks in its allow and sources that had the password right go on. Default 50.
	TrunkFailures int `key:"trunk_failures" default:"50" min:"0" max:"1000000"`
	// Period in which failures count, and for the rest of which they lock; not 0. Default 1m.
	Per time.Duration `key:"per" default:"1m" min:"1s"`
}

// SIPListen is a listener.
type SIPListen struct {
	// udp://, tcp:// or tls:// with IP address and port; port 0: the kernel chooses. Required.
	Addr SIPAddress `key:"addr" required:"true"`
	// Name or IP address and port that others are told; needed where addr is 0.0.0.0 or [::]. Default empty: addr.
	Advertise HostPort `key:"advertise"`
	// Sockets that share the address over UDP, each read by itself; Linux alone has more than one. 0: one per core. Default 0.
	Sockets int `key:"sockets" default:"0" min:"0" max:"64"`
	// TLS of a tls:// listener. A reload reads its files again.
	TLS ServerTLS `key:"tls"`
}

// Peer is a tenant's own PBX or app.
type Peer struct {
	// Tenant that it belongs to. Required.
	Tenant Name `key:"tenant" required:"true"`
	// Country that selects the emergency strings, ISO 3166. Default empty: routing.emergency.numbers.default.
	Country Country `key:"country"`
	Trunk
}

// Trunk is a SIP neighbour. A request belongs to the trunk whose allow holds its
// source.
type Trunk struct {
	// Name in logs and metrics, after the carrier's or tenant's and a slash. Default empty: its place among them.
	Name Name `key:"name"`
	// udp://, tcp:// or tls:// with name or IP address and port of the neighbour; a name without port is looked up by NAPTR and SRV. Default empty: it only sends to us.
	Addr SIPAddress `key:"addr"`
	// IP address and port of the sip.listen entry that sends to it. Default empty: the first that fits.
	Local netip.AddrPort `key:"local"`
	// Networks that its signalling comes from, addr included; a source on no list is dropped.
	// Needed where addr is empty. Default empty: the IP address of addr, or those of its name.
	Allow []netip.Prefix `key:"allow"`
	// Networks that its media may come from beside the address in its SDP; private and
	// loopback ones are accepted only from here. Default empty: none.
	MediaFrom []netip.Prefix `key:"media_from"`
	// New calls per second and direction, and as many text messages; 0: no limit. Default 0.
	CPS int `key:"cps" default:"0" min:"0" max:"1000000"`
	// Calls at a time, both directions together; 0: no limit. Default 0.
	Channels int `key:"channels" default:"0" min:"0" max:"1000000"`
	// Digest that we ask of it.
	AuthIn AuthIn `key:"auth_in"`
	// Digest that we answer with.
	AuthOut AuthOut `key:"auth_out"`
	// Our registration there.
	Register Register `key:"register"`
	// TLS towards it. A reload reads its files again, for the next connection.
	TLS SIPTLS `key:"tls"`
	// Length of a request, in bytes, above which it goes to addr over TCP and not over UDP, and over UDP after all where
	// TCP is refused; RFC 3261 has it at 1300. 0: never, long ones are sent in fragments. Default 0.
	TCPAbove int `key:"tcp_above" default:"0" min:"0" max:"65535"`
	// Whether its P-Asserted-Identity identifies a caller that withholds the From; for the lookup only. Default false.
	TrustPAI bool `key:"trust_pai" default:"false"`
	// OPTIONS probes.
	Probe Probe `key:"probe"`
	// Time for any answer to an INVITE, else 408 and the next candidate; not 0. Default 3s.
	FirstResponse time.Duration `key:"first_response" default:"3s" min:"1ms"`
	// Time with nothing but 100, else 408 and the next candidate, at least first_response; not 0. Default 6s.
	Trying time.Duration `key:"trying" default:"6s" min:"1ms"`
	// Time that it may ring; not 0. Default 60s.
	Ring time.Duration `key:"ring" default:"60s" min:"1s"`
	// Responses that lead to the next candidate: codes, ranges, code with Q.850 cause. Connect errors and timeouts always do.
	// Outcomes of the subscriber (404, 480, 486, 487, 6xx) never do. Default [500, 502, 503, 504, "404;cause=2", "404;cause=3"].
	FailoverOn []FailoverRule `key:"failover_on" default:"[500, 502, 503, 504, \"404;cause=2\", \"404;cause=3\"]"`
	// Longest Retry-After that is obeyed; 0: it is ignored. Default 30s.
	RetryAfterMax time.Duration `key:"retry_after_max" default:"30s"`
	// Longest interval of session timers (RFC 4028), and the one that our INVITEs ask for: whole seconds, 90s or more; 0: none. Default 1800s.
	SessionExpires time.Duration `key:"session_expires" default:"1800s"`
	// Whether provisional responses are acknowledged (100rel, RFC 3262): off, supported, or required of calls to it. Default supported.
	Reliable Reliable `key:"reliable"`
	// What the caller gets of early media: pass it, or ring, with which failover stays possible until the answer. Default pass.
	EarlyMedia EarlyMedia `key:"early_media"`
	// Longest call; 0: no limit. Default 4h.
	MaxDuration time.Duration `key:"max_duration" default:"4h"`
	// How the presented number is written.
	CLI CLI `key:"cli"`
	// Digits, * or # before the dialled number; taken off the numbers that it dials, where they start with it. Default empty: none.
	TechPrefix TechPrefix `key:"tech_prefix"`
	// Codecs that are passed, as rtpmap names them, such as PCMA or G722/8000; telephone-event is one. The offer's order stays. Default empty: all.
	Codecs []string `key:"codecs" octets:"32"`
	// The one of media.addr that its side of a call gets; for a caller whose SDP is of the other IP version, the first one of that.
	// Default empty: the first one of the SDP's version, or of the one that it is called over.
	Media netip.Addr `key:"media"`
	// Encryption of media (SRTP), by keys in the SDP (SDES), over TLS alone: off, optional where it has it too (RFC 8643), or
	// required, with which calls without it are refused with 488, and fax. Default off.
	SRTP SRTP `key:"srtp"`
	// Fax over T.38 (udptl): refused with 488, or relayed to trunks that relay it too; unread, with the number that the sending machine
	// tells of itself. Default refuse.
	T38 T38 `key:"t38"`
	// RTCP on the port of RTP (RFC 5761): offered to it, and agreed to where it offers it. Default false: RTCP on the next port.
	RTCPMux bool `key:"rtcp_mux" default:"false"`
	// DSCP of the media that is sent to it; 0: best effort. Default 46.
	DSCP int `key:"dscp" default:"46" min:"0" max:"63"`
	// Whether media may come from elsewhere than its SDP says. Default false.
	NAT bool `key:"nat" default:"false"`
	// What is learned of where its media comes from: port, the first one that sends from an address of its SDP or media_from; or
	// strict, nothing: only the address and port of its SDP may send, media_from or not, and nat must be false. Default port.
	Latch Latch `key:"latch"`
}

// AuthIn is the digest that we ask of a neighbour, at each INVITE that opens a call.
type AuthIn struct {
	// User. Default empty: no digest is asked for.
	Username string `key:"username" octets:"128"`
	// Password; needed beside username. Default empty.
	Password Secret `key:"password" octets:"128"`
}

// AuthOut is the digest that we answer with, to its own realm only.
type AuthOut struct {
	// User. Default empty: we do not authenticate.
	Username string `key:"username" octets:"128"`
	// Password; needed beside username. Default empty.
	Password Secret `key:"password" octets:"128"`
	// Realm that must ask: a challenge of another one may come from behind the neighbour. Default empty: the host of addr.
	Realm string `key:"realm" octets:"255"`
}

// Register is our registration at a neighbour: of auth_out.username at cli.domain, else at the host of addr. The
// neighbour then takes calls only while we are registered.
type Register struct {
	// Whether we register. Default false.
	Enabled bool `key:"enabled" default:"false"`
	// Life of a registration that we ask for; not 0. Default 600s.
	Expires time.Duration `key:"expires" default:"600s" min:"60s" max:"24h"`
}

// SIPTLS is TLS towards a neighbour.
type SIPTLS struct {
	// File of the authorities that its certificate must come from. Default empty: those of the system.
	CA Path `key:"ca"`
	// File of our own certificate chain. Default empty: none.
	Cert Path `key:"cert"`
	// File of its private key. Default empty: none.
	Key Path `key:"key"`
	// Name that its certificate must have. Default empty: the host of addr.
	Name string `key:"name" octets:"253"`
	// Names of certificates, one of which identifies it when it connects to us; it is then known by nothing else. Default empty: none.
	Peer []string `key:"peer" octets:"253"`
}

// Probe is how OPTIONS tell whether a neighbour is up.
type Probe struct {
	// Time between probes; 0: none, and it counts as up. Default 10s.
	Every time.Duration `key:"every" default:"10s"`
	// Failed probes in a row that make it down; not 0. Default 3.
	DownAfter int `key:"down_after" default:"3" min:"1" max:"100"`
	// Good probes in a row that make it up again; not 0. Default 2.
	UpAfter int `key:"up_after" default:"2" min:"1" max:"100"`
}
