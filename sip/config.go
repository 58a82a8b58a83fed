package sip

import (
	"net/netip"
	"time"

	"maskline/routing"
	"maskline/sip/message"
	"maskline/sip/naming"
)

// Config is the SIP part of an edge.
type Config struct {
	// Listen are the sockets; at least one. The first is used for trunks that
	// name no Local.
	Listen []Listen
	// Trunks are carriers' sip entries and tenants' peers, in the order of the
	// file: it breaks ties between trunks that allow the same source, and orders
	// the entries of one carrier.
	Trunks []TrunkConfig
	// Drain is how long Run lets calls go on after its context has ended. Zero:
	// they are ended at once.
	Drain time.Duration
	// MaxAttempts bounds the carriers' trunks that one call tries, 100 at most.
	// Zero: 6.
	MaxAttempts int
	// MaxCalls bounds the calls in memory, those included of which only
	// transactions are left (32 s after their end). Beyond it new ones are answered
	// 503. Zero: 200000.
	MaxCalls int
	// MaxCPS bounds the new calls per second of all trunks together; beyond it they
	// are answered 503 with Retry-After. Zero: no bound.
	MaxCPS int
	// OwnMedia are the addresses and ports of the media relay: a session
	// description that points at them is refused. A side of a call gets the one that
	// its trunk and its IP version ask for. Empty: the relay chooses.
	OwnMedia []message.OwnMedia
	// Auth is what all trunks with AuthIn have in common.
	Auth Auth
	// Records takes a record of each call. Nil: none are kept.
	Records Records
	// Progress hears when the caller is told of ringing, and when of an answer, each once
	// for a call: an answer without ringing is both. Emergency calls are nobody's. It must
	// not wait. Nil: nobody hears.
	Progress func(call, tenant string, answered bool)
	// Messenger takes the text messages that peers send to masks; Edge.Deliver takes
	// those for peers. Nil: MESSAGE is answered 405, and none is sent.
	Messenger routing.Messenger
	// MessageTimeout bounds the time from the first to the last octet of a message
	// over TCP or TLS, the first message of a connection to us, a TLS handshake, a
	// connection that we make, and a write. Zero: 5s.
	MessageTimeout time.Duration
	// MaxMessage is the largest message over TCP or TLS in octets. Zero: 64 KiB.
	MaxMessage int
	// IdleTimeout ends a connection over which nothing has come for so long. Zero:
	// 10m.
	IdleTimeout time.Duration
	// MaxStreams bounds the connections over TCP and TLS that are made to us,
	// MaxStreamsPerSource those from one address, of IPv6 from one /64. Zero: 4096 and 64.
	// Sources that only a network of everybody holds have half of them at most, before
	// a certificate or a password has told who they are.
	MaxStreams, MaxStreamsPerSource int
	// Nameservers are the DNS servers that names of trunks are looked up at, asked in
	// this order until one answers. Empty: those of /etc/resolv.conf.
	Nameservers []netip.AddrPort
	// Resolver looks names of trunks up. Nil: one that asks Nameservers.
	Resolver Resolver
	// DNSRefresh is after what time a name is looked up again whose answer tells no
	// lifetime, and the longest pause after a lookup that failed. Zero: 1m.
	DNSRefresh time.Duration
	// ReadBuffer is the size of each socket's receive buffer in octets, as far as
	// the kernel lets it grow. Zero: 4 MiB.
	ReadBuffer int
	// Voice is what people hear of the edge itself; SetVoice replaces it.
	Voice VoiceConfig
}

// Listen is where peers reach us.
type Listen struct {
	// Addr is "udp://host:port", "tcp://..." or "tls://..."; the host is an address.
	// Port 0 is chosen by the kernel.
	Addr string
	// Sockets is how many share the address over UDP, and may be read at
	// the same time; Linux alone has more than one, 64 at most. Zero: 1.
	Sockets int
	// TLS is needed where Addr is "tls://...".
	TLS ServerTLS
	// Advertise is "host:port" that peers reach it at, where that is another. It
	// goes into Via and Contact. Empty: Addr.
	Advertise string
}

// TrunkConfig is one way to and from a peer: a carrier's or a tenant's.
type TrunkConfig struct {
	// Name in logs and metrics. Unique.
	Name string
	// Carrier is the carrier whose trunk it is; Tenant the tenant whose PBX it is.
	// Exactly one is set.
	Carrier, Tenant string
	// Country is the ISO 3166 code that selects the emergency strings. Empty: the
	// default ones.
	Country string
	// Addr is "udp://host:port", "tcp://..." or "tls://...", where we send. The host
	// is an address, whose port may be left away (5060, for TLS 5061), or a name, which
	// is looked up in DNS, without a port by NAPTR and SRV. Empty: the trunk only sends to us.
	Addr string
	// TLS is read where Addr is "tls://..."; Peer of it also where Addr is empty.
	TLS ClientTLS
	// Local is the address, "host" or "host:port", of the Listen to send from.
	// Empty: the first one of the same transport and IP version.
	Local string
	// Allow are the source addresses that the trunk may send from. The address of
	// Addr is always allowed, since its answers come from there; so are those of its
	// name, for four hours after DNS had them last.
	Allow []netip.Prefix
	// MediaFrom are further addresses that its media may come from, and the only
	// ones that may be private or loopback in its session descriptions.
	MediaFrom []netip.Prefix
	// CPS bounds new calls per second, each direction by itself. Zero: no bound.
	CPS int
	// Channels bounds the calls at a time, both directions together. Zero: no
	// bound.
	Channels int
	// AuthIn is asked for at each INVITE that opens a call.
	AuthIn   AuthIn
	AuthOut  AuthOut
	Register Register
	// TrustPAI takes the caller of a withheld call from P-Asserted-Identity, for
	// the lookup only.
	TrustPAI bool
	Probe    Probe
	// FirstResponse is how long an INVITE may stay without any answer, Trying how
	// long after a 100 without ringing: then the next candidate is due. Ring is
	// how long it may ring: then the call ends. Zero: 3s, 6s, 60s.
	FirstResponse, Trying, Ring time.Duration
	// FailoverOn lists the final answers after which the next candidate is due:
	// "503", "500-504", "404;cause=2" (with that Q.850 cause). 480, 486, 600 and 603
	// are the subscriber's outcome and refused here. Nil: 500, 502, 503, 504,
	// 404;cause=2, 404;cause=3. Timeouts and unreachable peers always count.
	FailoverOn []string
	// RetryAfterMax caps how long a Retry-After takes the trunk out of use. Zero:
	// 30s.
	RetryAfterMax time.Duration
	// Reliable says whether provisional answers are acknowledged (100rel, RFC 3262):
	// ReliableOff, ReliableSupported, or ReliableRequired, with which calls to the
	// trunk demand it. Empty: ReliableSupported.
	Reliable string
	// EarlyMedia says what the caller gets of a session description before the
	// answer: EarlyMediaPass, or EarlyMediaRing, with which it hears of ringing only
	// and failover stays possible. Empty: EarlyMediaPass.
	EarlyMedia string
	// SessionExpires is the longest interval of session timers (RFC 4028) and the
	// one that our INVITEs ask for, at least 90s. Zero: 30m. Negative: none.
	SessionExpires time.Duration
	// MaxDuration ends an answered call. Zero: 4h. The lower one of both legs holds.
	MaxDuration time.Duration
	CLI         CLI
	// TCPAbove is the length of a request in octets above which it goes over TCP to
	// the same address where Addr is udp://, and over UDP after all where that
	// connection is refused. RFC 3261 §18.1.1 has it at 1300. Zero: never; the
	// datagram is then sent in fragments.
	TCPAbove int
	// TechPrefix stands before the called number. It is taken off the numbers that
	// the trunk calls, where they start with it.
	TechPrefix string
	// Codecs are the encoding names that pass in its session descriptions, "PCMA" or
	// "G722/8000", in any case. Nil: all.
	Codecs []string
	// Fax lets T.38 over UDP pass, between two trunks that both have it. What it
	// transmits, the sender's number among it, is not read.
	Fax bool
	// SRTP protects its media by keys in the session descriptions, over TLS alone:
	// SRTPOff, SRTPOptional (where the trunk has it too, RFC 8643), or SRTPRequired.
	// Not with an Addr that is no "tls://...". Empty: SRTPOff.
	SRTP string
	// Mux lets RTCP share the port of RTP on the trunk's side of a call: offered to
	// it, and agreed to where it offers that. RFC 5761.
	Mux bool
	// DSCP marks the media that we send there, 0 to 63.
	DSCP uint8
	// Media is the one of OwnMedia that the trunk's side of a call gets; for a caller
	// whose offer is of the other IP version, the first one of that. Zero: the first
	// one of the offer's version, or of the one that the trunk is called over.
	Media netip.Addr
	// NAT lets the media relay learn an address that no description named.
	NAT bool
	// Strict takes media from the very address and port of its descriptions, not even
	// the port is learned. NAT and MediaFrom let nobody send then.
	Strict bool
}

// Probe says how a trunk's life is watched: OPTIONS to Addr, any answer but 408
// and 503 counting as life. A probed trunk is down until it has answered once.
type Probe struct {
	// Every is the pause between two probes. Zero: 10s. Negative: not probed, and
	// up for ever.
	Every time.Duration
	// DownAfter failures in a row take the trunk down, UpAfter successes bring it
	// back. Zero: 3 and 2.
	DownAfter, UpAfter int
}

// Values of Reliable.
const (
	ReliableOff       = "off"
	ReliableSupported = "supported"
	ReliableRequired  = "required"
)

// Values of EarlyMedia.
const (
	EarlyMediaPass = "pass"
	EarlyMediaRing = "ring"
)

const (
	defaultMaxAttempts   = 6
	mostAttempts         = 100
	defaultMaxCalls      = 200_000
	defaultReadBuffer    = 4 << 20
	defaultMessageTime   = 5 * time.Second
	defaultMaxMessage    = 64 << 10
	defaultIdleTimeout   = 10 * time.Minute
	defaultStreams       = 4096
	defaultDNSRefresh    = time.Minute
	defaultSourceStreams = 64
	defaultFirstResponse = 3 * time.Second
	defaultTrying        = 6 * time.Second
	defaultRing          = time.Minute
	defaultRetryAfterMax = 30 * time.Second
	defaultMaxDuration   = 4 * time.Hour
	defaultSession       = 30 * time.Minute
	defaultProbeEvery    = 10 * time.Second
	defaultDownAfter     = 3
	defaultUpAfter       = 2
)

func (c *Config) setDefaults() {
	setDefault(&c.MaxAttempts, defaultMaxAttempts)
	c.MaxAttempts = min(c.MaxAttempts, mostAttempts)
	setDefault(&c.MaxCalls, defaultMaxCalls)
	setDefault(&c.MessageTimeout, defaultMessageTime)
	setDefault(&c.MaxMessage, defaultMaxMessage)
	setDefault(&c.IdleTimeout, defaultIdleTimeout)
	setDefault(&c.MaxStreams, defaultStreams)
	setDefault(&c.MaxStreamsPerSource, defaultSourceStreams)
	setDefault(&c.ReadBuffer, defaultReadBuffer)
	setDefault(&c.DNSRefresh, defaultDNSRefresh)
	if c.Resolver == nil {
		c.Resolver = naming.New(naming.Config{Servers: c.Nameservers, Unknown: c.DNSRefresh})
	}
}

func (c *TrunkConfig) setDefaults() {
	setDefault(&c.FirstResponse, defaultFirstResponse)
	setDefault(&c.Trying, defaultTrying)
	setDefault(&c.Ring, defaultRing)
	setDefault(&c.RetryAfterMax, defaultRetryAfterMax)
	setDefault(&c.MaxDuration, defaultMaxDuration)
	setDefault(&c.Register.Expires, defaultExpires)
	setDefault(&c.Probe.Every, defaultProbeEvery)
	setDefault(&c.Probe.DownAfter, defaultDownAfter)
	setDefault(&c.Probe.UpAfter, defaultUpAfter)
	if c.FailoverOn == nil {
		c.FailoverOn = []string{"500", "502", "503", "504", "404;cause=2", "404;cause=3"}
	}
	if c.CLI.Header == nil {
		c.CLI.Header = []string{"from", "pai"}
	}
	setDefault(&c.CLI.Format, "e164")
	setDefault(&c.SessionExpires, defaultSession)
	setDefault(&c.Reliable, ReliableSupported)
	setDefault(&c.EarlyMedia, EarlyMediaPass)
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}
