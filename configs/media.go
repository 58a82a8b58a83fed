package configs

import (
	"net/netip"
	"time"
)

// Media is the RTP relay.
type Media struct {
	// IP addresses of its ports, one per network and IP version. Default 127.0.0.1.
	Addr []netip.Addr `key:"addr" default:"127.0.0.1"`
	// IP addresses that peers are told instead, one for each of addr; needed where addr is 0.0.0.0 or [::]. Default empty: addr.
	Advertise []netip.Addr `key:"advertise"`
	// UDP ports, from an even to an odd one, four per call; keep them out of the kernel's ephemeral range. Default 10000-32767.
	Ports PortRange `key:"ports" default:"10000-32767"`
	// How packets are moved. Default auto: the fastest that this host permits.
	Backend Backend `key:"backend"`
	// Silence that ends a call, counted from the answer.
	Timeout MediaTimeout `key:"timeout"`
	// Silence of a side after which another port of the address that it sent from takes over with the same SSRC, as where a NAT has forgotten it; 0: only signalling opens a port again. Default 0s.
	Relatch time.Duration `key:"relatch" default:"0s" max:"1m"`
	// Rest of a port before its reuse; 0: none. Default 1s.
	Drain time.Duration `key:"drain" default:"1s" max:"1m"`
	// Folder with the operator's own announcements, NAME.wav: 8 kHz mono, 16 bits, A-law or mu-law, at most a minute; read again by a reload. Default empty: the shipped ones.
	Prompts Path `key:"prompts" live:"true"`
	// Announcements and tones played at a time; beyond it calls get their code at once; not 0. Default 500.
	Announcements int `key:"announcements" default:"500" min:"1" max:"100000"`
}

// MediaTimeout is the silence that ends a call.
type MediaTimeout struct {
	// Without a first packet from either side; not 0, or a call without media would stay. Default 30s.
	Initial time.Duration `key:"initial" default:"30s" min:"1s"`
	// Without a packet from either side; not 0. Default 60s.
	Silent time.Duration `key:"silent" default:"60s" min:"1s"`
	// The same on hold, at least media.timeout.silent; not 0. Default 1h.
	Hold time.Duration `key:"hold" default:"1h" min:"1s"`
	// Without a packet from one side while the other one sends, not on hold; 0: never. It is logged and counted after 10s either way. Default 0s.
	OneWay time.Duration `key:"one_way" default:"0s"`
}
