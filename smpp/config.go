package smpp

import (
	"fmt"
	"net/netip"
	"time"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// Config is the smpp section and the carriers' smpp entries.
type Config struct {
	Listen         []ListenConfig // what peers bind to; none: nobody binds to us
	SystemID       string         // what we call ourselves in bind responses; empty: "maskline"
	BindTimeout    time.Duration  // from connection to valid bind, both roles; 0: 5 s
	PDUTimeout     time.Duration  // from first to last octet of a PDU; 0: 5 s
	WriteTimeout   time.Duration  // a peer that takes nothing for so long is cut off; 0: 10 s
	AnswerWithin   time.Duration  // an upstream is answered within this, all attempts together; 0: 10 s
	EnquireLink    time.Duration  // silence on a peer's bind before we probe it; 0: 30 s
	Redelivery     time.Duration  // how long a message of unknown outcome is known again; 0: 5 min, negative: not at all
	Share          ShareConfig
	Usage          UsageStore    // keeps quotas over a restart; nil: they start anew
	ReceiptsHold   time.Duration // how long receipts wait for an unbound originator; 0: 24 h
	Drain          time.Duration // time to finish what is in flight at the end; 0: 30 s
	Auth           AuthConfig
	MaxConnections int           // connections of peers in all; 0: 4096
	MaxUnbound     int           // connections of one source that are not bound yet; 0: 64
	Submissions    int           // accepted messages whose receipts can be joined; 0: 1,000,000
	SubmissionsFor time.Duration // how long a receipt can be joined; 0: 72 h
	Accounts       []AccountConfig
	Carriers       []CarrierConfig

	// Messenger takes messages for SIP peers, and theirs come by Edge.Deliver; nil: none go either way.
	Messenger routing.Messenger
	// Reports hears of the receipts of messages that the edge writes itself, by
	// Edge.Originate; nil: it writes none.
	Reports routing.Reports
	// Brought hears of each message that somebody has brought to a mask and that was
	// handed on, once for the segments of one; those whose acceptance came late aside. It
	// must not wait, and the plan is valid until it returns. Nil: nobody does.
	Brought func(plan *routing.Plan, segments int)
}

// ListenConfig is a listener.
type ListenConfig struct {
	Addr string // "host:port"
	TLS  ServerTLS
}

// AuthConfig bounds guessing of passwords.
type AuthConfig struct {
	Failures        int           // failed binds of one source within Per before it is refused; 0: 10
	AccountFailures int           // failed binds of one account within Per before sources that it does not know are refused; 0: 50
	Per             time.Duration // 0: 1 min
	Delay           time.Duration // every refused bind is answered after this; 0: 500 ms, negative: at once
}

// AccountConfig is a peer that binds to us. It belongs to a tenant or is a
// carrier's own; one of the two is set.
type AccountConfig struct {
	SystemID    string
	Password    string
	Tenant      string
	Carrier     string
	Country     string // ISO 3166 code for emergency strings; may be empty
	CallingCode uint16 // of that country, by which it knows short codes; 0: none
	Binds       int    // bound at the same time; 0: no limit
	Window      int    // unanswered requests of one bind, each way; 0: 256
	TPS         int    // segments per second that it may submit, all binds together; 0: no limit
	Quota       QuotaConfig
	Allow       []netip.Prefix // sources that may bind; none: every source
	USSD        bool           // steps of USSD dialogues pass; false: they go on as ordinary messages
	Encoding    Encoding       // what data_coding 0 means to it; 0: GSM7
	Special     Special        // what it may send beyond messages to read; 0: nothing
}

// CarrierConfig is a carrier that we bind to.
type CarrierConfig struct {
	Name        string
	Country     string // ISO 3166 code for emergency strings; may be empty
	CallingCode uint16 // of that country, by which it knows short codes; 0: none
	TPS         int    // segments per second, all its binds together; 0: no limit
	MaskTPS     int    // segments per second with the same presented mask; 0: no limit
	Binds       []BindConfig
}

// BindType is the role that we bind in.
type BindType uint8

// The bind types.
const (
	Transceiver BindType = iota
	Transmitter
	Receiver
)

var bindTypeNames = [...]string{"transceiver", "transmitter", "receiver"}

// String is the name of the configuration.
func (b BindType) String() string { return bindTypeNames[b] }

// Receipts is how a carrier writes the message ids of its receipts.
type Receipts = pdu.IDForm

// The forms: alike, receipts in decimal, receipts in hexadecimal.
const (
	StandardIDs = pdu.StandardIDs
	DecimalIDs  = pdu.DecimalIDs
	HexIDs      = pdu.HexIDs
)

// BindConfig is one SMSC of a carrier.
type BindConfig struct {
	Addr            string // "host:port"
	Local           string // source address, without port; empty: the system's choice
	Backup          bool   // used only while no primary of the carrier can take a message
	SystemID        string
	Password        string
	SystemType      string
	AddressRange    string
	BindType        BindType
	Sessions        int           // binds held at the same time; 0: 1
	Window          int           // unanswered requests of one bind, each way; 0: 128
	TPS             int           // segments per second on one bind; 0: no limit
	EnquireLink     time.Duration // silence before we probe; 0: 30 s
	ResponseTimeout time.Duration // then the outcome of a message is unknown; 0: 10 s
	Reconnect       Reconnect
	TLS             ClientTLS
	Outbind         OutbindConfig
	USSD            bool     // as for accounts
	TON, NPI        *byte    // of both addresses that we write; nil: 1, international and E.164
	Encoding        Encoding // what data_coding 0 means there; 0: GSM7
	Long            Long     // how long messages are sent; 0: as they came
	Numbers         *Numbers // how numbers are written and read; nil: international digits
	TLVs            []TLV    // on every submit_sm
	Special         Special  // what the carrier may send beyond messages to read; 0: nothing
	Receipts        Receipts // how the ids of its receipts are written
	UnknownNext     bool     // after an unknown outcome also try the next carrier
	Reply           Reply
}

// Reconnect bounds the pause between two attempts to bind. Pauses double from
// Min to Max, each shortened by chance by up to a half.
type Reconnect struct {
	Min time.Duration // 0: 200 ms
	Max time.Duration // 0: 5 s

	PerMinute int // attempts of one session in any minute; 0: no limit
}

// Reply is what a carrier is told for its deliver_sm.
type Reply struct {
	Temporary pdu.Status // 0: 0x64
	Permanent pdu.Status // 0: 0x65
	Throttled pdu.Status // 0: 0x58
}

func or[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c Config) withDefaults() Config {
	or(&c.SystemID, "maskline")
	or(&c.BindTimeout, 5*time.Second)
	or(&c.PDUTimeout, 5*time.Second)
	or(&c.WriteTimeout, 10*time.Second)
	or(&c.AnswerWithin, 10*time.Second)
	or(&c.EnquireLink, 30*time.Second)
	or(&c.Redelivery, 5*time.Minute)
	or(&c.Share.SlowerThan, 2*time.Second)
	or(&c.ReceiptsHold, 24*time.Hour)
	or(&c.Drain, 30*time.Second)
	or(&c.Auth.Failures, 10)
	or(&c.Auth.AccountFailures, 50)
	or(&c.Auth.Per, time.Minute)
	or(&c.Auth.Delay, 500*time.Millisecond)
	or(&c.MaxConnections, 4096)
	or(&c.MaxUnbound, 64)
	or(&c.Submissions, 1_000_000)
	or(&c.SubmissionsFor, 72*time.Hour)
	accounts := make([]AccountConfig, len(c.Accounts))
	for i, a := range c.Accounts {
		or(&a.Window, 256)
		accounts[i] = a
	}
	c.Accounts = accounts
	carriers := make([]CarrierConfig, len(c.Carriers))
	for i, carrier := range c.Carriers {
		binds := make([]BindConfig, len(carrier.Binds))
		for j, b := range carrier.Binds {
			binds[j] = b.withDefaults()
		}
		carrier.Binds = binds
		carriers[i] = carrier
	}
	c.Carriers = carriers
	return c
}

func (b BindConfig) withDefaults() BindConfig {
	one := byte(1)
	or(&b.Sessions, 1)
	or(&b.Window, 128)
	or(&b.EnquireLink, 30*time.Second)
	or(&b.ResponseTimeout, 10*time.Second)
	or(&b.Reconnect.Min, 200*time.Millisecond)
	or(&b.Reconnect.Max, 5*time.Second)
	or(&b.TON, &one)
	or(&b.NPI, &one)
	or(&b.Reply.Temporary, pdu.RxTAppn)
	or(&b.Reply.Permanent, pdu.RxPAppn)
	or(&b.Reply.Throttled, pdu.RThrottled)
	return b
}

// maxWindow bounds the memory of one bind.
const maxWindow = 1 << 16

// check faults what would fail at run time; configs has checked the file.
func (c *Config) check() error {
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if (a.Tenant == "") == (a.Carrier == "") {
			return fmt.Errorf("account %q: either a tenant or a carrier", a.SystemID)
		}
		if a.Window < 1 || a.Window > maxWindow {
			return fmt.Errorf("account %q: a window is 1 to %d", a.SystemID, maxWindow)
		}
	}
	for i := range c.Carriers {
		for j := range c.Carriers[i].Binds {
			b := &c.Carriers[i].Binds[j]
			if b.Window < 1 || b.Window > maxWindow {
				return fmt.Errorf("carrier %q: a window is 1 to %d", c.Carriers[i].Name, maxWindow)
			}
			if err := checkStatic(b.TLVs); err != nil {
				return fmt.Errorf("carrier %q: %w", c.Carriers[i].Name, err)
			}
			if _, err := b.request().Append(nil, pdu.BindTransceiver, 1); err != nil {
				return fmt.Errorf("carrier %q: %w", c.Carriers[i].Name, err)
			}
		}
	}
	return nil
}

// request is the bind that we send.
func (b *BindConfig) request() *pdu.Bind {
	return &pdu.Bind{
		SystemID: []byte(b.SystemID), Password: []byte(b.Password), SystemType: []byte(b.SystemType),
		InterfaceVersion: pdu.Version34, AddrTON: *b.TON, AddrNPI: *b.NPI, AddressRange: []byte(b.AddressRange),
	}
}
