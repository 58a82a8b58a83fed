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
	// Tenants' own PBXs and apps. Default empty: none.
	Peers []Peer `key:"peers"`
}

// SIPListen is a listener.
type SIPListen struct {
	// udp://, tcp:// or tls:// with IP address and port; port 0: the kernel chooses. Required.
	Addr SIPAddress `key:"addr" required:"true"`
	// Name or IP address and port that others are told; needed where addr is 0.0.0.0 or [::]. Default empty: addr.
	Advertise HostPort `key:"advertise"`
	// TLS of this listener.
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
	// udp://, tcp:// or tls:// with name or IP address and port of the neighbour; this version looks no names up. Default empty: it only sends to us.
	Addr SIPAddress `key:"addr"`
	// IP address and port of the sip.listen entry that sends to it. Default empty: the first that fits.
	Local netip.AddrPort `key:"local"`
	// Networks that its signalling comes from, addr included; a source on no list is dropped.
	// Needed where addr is empty or a name. Default empty: the IP address of addr.
	Allow []netip.Prefix `key:"allow"`
	// Networks that its media may come from beside the address in its SDP; private and
	// loopback ones are accepted only from here. Default empty: none.
	MediaFrom []netip.Prefix `key:"media_from"`
	// New calls per second and direction; 0: no limit. Default 0.
	CPS int `key:"cps" default:"0" min:"0" max:"1000000"`
	// Calls at a time, both directions together; 0: no limit. Default 0.
	Channels int `key:"channels" default:"0" min:"0" max:"1000000"`
	// Digest that we ask of it.
	AuthIn AuthIn `key:"auth_in"`
	// Digest that we answer with.
	AuthOut AuthOut `key:"auth_out"`
	// Our registration there.
	Register Register `key:"register"`
	// TLS towards it.
	TLS SIPTLS `key:"tls"`
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
	// Encryption of media. Default off.
	SRTP SRTP `key:"srtp"`
	// Fax over T.38. Default refuse.
	T38 T38 `key:"t38"`
	// DSCP of the media that is sent to it; 0: best effort. Default 46.
	DSCP int `key:"dscp" default:"46" min:"0" max:"63"`
	// Whether media may come from elsewhere than its SDP says. Default false.
	NAT bool `key:"nat" default:"false"`
}

// AuthIn is the digest that we ask of a neighbour.
type AuthIn struct {
	// User. Default empty: no digest is asked for.
	Username string `key:"username" octets:"128"`
	// Password. Default empty.
	Password Secret `key:"password" octets:"128"`
}

// AuthOut is the digest that we answer with, to its own realm only.
type AuthOut struct {
	// User. Default empty: we do not authenticate.
	Username string `key:"username" octets:"128"`
	// Password. Default empty.
	Password Secret `key:"password" octets:"128"`
	// Realm that must ask. Default empty: the first that does.
	Realm string `key:"realm" octets:"255"`
}

// Register is our registration at a neighbour.
type Register struct {
	// Whether we register. Default false.
	Enabled bool `key:"enabled" default:"false"`
	// Life of a registration that we ask for; not 0. Default 600s.
	Expires time.Duration `key:"expires" default:"600s" min:"60s"`
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
	// Names of certificates that identify it when it connects to us. Default empty: none.
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
