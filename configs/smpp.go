package configs

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
)

// SMPP is the SMSC role: peers bind to us.
type SMPP struct {
	// Listeners. Default empty: nobody binds to us.
	Listen []SMPPListen `key:"listen"`
	// Time from the connection to a valid bind; not 0, or silent connections would stay. Default 5s.
	BindTimeout time.Duration `key:"bind_timeout" default:"5s" min:"1ms"`
	// Time from the first to the last octet of a PDU; not 0. Default 5s.
	PDUTimeout time.Duration `key:"pdu_timeout" default:"5s" min:"1ms"`
	// What slows down whoever guesses passwords.
	Auth SMPPAuth `key:"auth"`
	// Time within which an upstream is answered, shared by all attempts; not 0. It may be
	// shorter than a bind's response_timeout: the upstream is then told that the
	// outcome is temporary, and the late response is still recognised and counted. Default 10s.
	AnswerWithin time.Duration `key:"answer_within" default:"10s" min:"1ms"`
	// How long a message of unknown outcome is known again when its upstream sends it once more: one that
	// its carrier accepted late is then answered and not sent twice; 0: not at all. Default 5m.
	Redelivery time.Duration `key:"redelivery" default:"5m"`
	// How long receipts wait for an originator that is not bound; not 0. Default 24h.
	ReceiptsHold time.Duration `key:"receipts_hold" default:"24h" min:"1s"`
	// Who may bind. Default empty: nobody.
	Accounts []Account `key:"accounts" live:"true"`
}

// SMPPListen is a listener.
type SMPPListen struct {
	// IP address and TCP port; port 0: the kernel chooses. Required.
	Addr netip.AddrPort `key:"addr" required:"true"`
	// TLS of this listener. A reload reads its files again.
	TLS ServerTLS `key:"tls" live:"true"`
}

// SMPPAuth slows down whoever guesses passwords. Other sources and established
// binds are untouched.
type SMPPAuth struct {
	// Failed binds of one source within auth.per after which it is refused; 0: no limit. Default 10.
	Failures int `key:"failures" default:"10" min:"0" max:"1000000"`
	// Failed binds of one account within auth.per, by sources that it is not known by, after which
	// such sources are refused; 0: no limit. Its own allow and the sources that it has bound from go on. Default 50.
	AccountFailures int `key:"account_failures" default:"50" min:"0" max:"1000000"`
	// Period in which failures count, and for the rest of which the source is refused; not 0. Default 1m.
	Per time.Duration `key:"per" default:"1m" min:"1s"`
	// Delay of every refusal of a bind, so that its causes look alike; 0: none. Default 500ms.
	Delay time.Duration `key:"delay" default:"500ms"`
}

// Account is a peer that binds to us. It belongs to a tenant or to a carrier.
type Account struct {
	// system_id of the bind, 1 to 15 octets, unique. SMPP 3.4 §4.1. Required.
	SystemID string `key:"system_id" octets:"15" ascii:"true" required:"true"`
	// Password of the bind, 1 to 8 octets. SMPP 3.4 §4.1. Required.
	Password Secret `key:"password" octets:"8" ascii:"true" required:"true" live:"true"`
	// Tenant that sends and receives here; either this or carrier. Default empty.
	Tenant Name `key:"tenant"`
	// Carrier whose traffic comes and goes here; either this or tenant. Default empty.
	Carrier Name `key:"carrier"`
	// Country that selects the emergency strings, ISO 3166. Default empty: routing.emergency.numbers.default.
	Country Country `key:"country"`
	// Most binds at a time; not 0. Default 4.
	Binds int `key:"binds" default:"4" min:"1" max:"1000" live:"true"`
	// Most unanswered requests of one bind, per direction; not 0. Default 256.
	Window int `key:"window" default:"256" min:"1" max:"10000" live:"true"`
	// Segments per second, all binds together; 0: no limit. Default 0.
	TPS int `key:"tps" default:"0" min:"0" max:"1000000" live:"true"`
	// What it may submit in longer times.
	Quota Quota `key:"quota"`
	// Whether steps of USSD dialogues pass to and from it: service_type USSD, ussd_service_op, its_reply_type and its_session_info. Default false: what comes goes on as an ordinary message.
	USSD bool `key:"ussd" default:"false" live:"true"`
	// Networks that it may bind from. Default empty: any, since it has a password.
	Allow []netip.Prefix `key:"allow" live:"true"`
	// What data_coding 0 means to it; from its next bind. Default gsm7.
	Encoding Encoding `key:"encoding" live:"true"`
	// What it may send beyond messages to read: silent, replace, sim, class2; from its next bind. Default empty: nothing.
	Special []Special `key:"special" live:"true"`
}

// Quota bounds what an account may submit in longer times than a second.
type Quota struct {
	// Segments accepted in a day, UTC; 0: no limit. Default 0.
	Day int `key:"day" default:"0" min:"0" max:"1000000000" live:"true"`
}

// Bind is the ESME role towards one SMSC of a carrier: we bind to it.
type Bind struct {
	// Name or IP address of the SMSC, and its TCP port. Required.
	Addr HostPort `key:"addr" required:"true"`
	// Our own IP address for the connection. Default empty: the kernel chooses.
	Local netip.Addr `key:"local"`
	// A backup is bound too, but used only where no primary of the carrier can take the message. Default primary.
	Role Role `key:"role"`
	// Our system_id there, 1 to 15 octets. SMPP 3.4 §4.1. Required.
	SystemID string `key:"system_id" octets:"15" ascii:"true" required:"true" live:"true"`
	// Our password there, at most 8 octets. SMPP 3.4 §4.1. Default empty.
	Password Secret `key:"password" octets:"8" ascii:"true" live:"true"`
	// system_type of the bind, at most 12 octets. SMPP 3.4 §4.1. Default empty.
	SystemType string `key:"system_type" octets:"12" ascii:"true" live:"true"`
	// address_range of the bind, at most 40 octets. SMPP 3.4 §4.1. Default empty.
	AddressRange string `key:"address_range" octets:"40" ascii:"true" live:"true"`
	// Directions of the bind. Default transceiver.
	Bind BindType `key:"bind"`
	// Binds to this address; not 0. Default 1.
	Sessions int `key:"sessions" default:"1" min:"1" max:"100"`
	// Most unanswered requests of one session; not 0. Default 10.
	Window int `key:"window" default:"10" min:"1" max:"10000"`
	// Segments per second of one session; 0: no limit. Default 0.
	TPS int `key:"tps" default:"0" min:"0" max:"1000000"`
	// Idle time after which enquire_link is sent; not 0. Default 30s.
	EnquireLink time.Duration `key:"enquire_link" default:"30s" min:"1ms"`
	// Time for a response, at most enquire_link; not 0. Default 10s.
	ResponseTimeout time.Duration `key:"response_timeout" default:"10s" min:"1ms"`
	// Waits between attempts to bind again.
	Reconnect Reconnect `key:"reconnect"`
	// TLS towards the SMSC. A reload reads its files again, for the next bind.
	TLS SMPPTLS `key:"tls" live:"true"`
	// Whether steps of USSD dialogues pass to and from it, as for smpp.accounts[].ussd. Default false.
	USSD bool `key:"ussd" default:"false"`
	// An SMSC that connects to us and asks for our bind.
	Outbind Outbind `key:"outbind"`
	// What data_coding 0 means there. Default gsm7.
	Encoding Encoding `key:"encoding"`
	// How messages longer than one SMS are sent there: as they came (keep), as segments with a user data header (udh) or
	// with sar TLVs (sar), or whole in message_payload (payload). Default keep.
	Long Long `key:"long"`
	// Type of number of addresses; 0: unknown. SMPP 3.4 §5.2.5. Default 1: international.
	TON int `key:"ton" default:"1" min:"0" max:"6"`
	// Numbering plan of addresses; 0: unknown. SMPP 3.4 §5.2.6. Default 1: E.164.
	NPI int `key:"npi" default:"1" min:"0" max:"18"`
	// How numbers are written and read there.
	Numbers Numbers `key:"numbers"`
	// What it may send us beyond messages to read: silent, replace, sim, class2. Default empty: nothing.
	Special []Special `key:"special"`
	// How message ids in receipts are written: as in the response, or the same id in decimal or hex. Default standard.
	Receipts ReceiptIDs `key:"receipts"`
	// TLVs on every submit_sm, such as registration ids; at most 1024 octets in all. Default empty.
	TLVs []TLV `key:"tlvs"`
	// Sent, but not answered in time: tell the upstream that it is temporary, or also try the next carrier. Default report.
	Unknown Unknown `key:"unknown"`
	// command_status values that the carrier is told for its deliver_sm.
	Reply Reply `key:"reply"`
}

// Reconnect bounds the jittered, growing waits between attempts to bind.
type Reconnect struct {
	// First wait; not 0. Default 200ms.
	Min time.Duration `key:"min" default:"200ms" min:"1ms"`
	// Longest wait, at least reconnect.min; not 0. Default 5s.
	Max time.Duration `key:"max" default:"5s" min:"1ms"`
	// Most attempts of one session in any minute, since carriers lock out who comes too often; 0: no limit. Default 20.
	PerMinute int `key:"per_minute" default:"20" min:"0" max:"1000"`
}

// SMPPTLS is TLS towards an SMSC.
type SMPPTLS struct {
	// Whether TLS is used. Default false.
	Enabled bool `key:"enabled" default:"false"`
	// File of the authorities that its certificate must come from. Default empty: those of the system.
	CA Path `key:"ca"`
	// File of our own certificate chain. Default empty: none.
	Cert Path `key:"cert"`
	// File of its private key. Default empty: none.
	Key Path `key:"key"`
	// Name that its certificate must have. Default empty: the host of addr.
	Name string `key:"name" octets:"253"`
}

// Outbind is an SMSC that connects to smpp.listen and sends an outbind; we bind
// on its connection instead of connecting to addr. SMPP 3.4 §2.2.1.
type Outbind struct {
	// Whether the bind is made on an outbind alone. Default false: we connect.
	Enabled bool `key:"enabled" default:"false"`
	// system_id that the SMSC shows, at most 15 octets. SMPP 3.4 §4.1.7. Needed where outbind is enabled. Default empty.
	SystemID string `key:"system_id" octets:"15" ascii:"true"`
	// Password that it shows, at most 8 octets. SMPP 3.4 §4.1.7. Default empty.
	Password Secret `key:"password" octets:"8" ascii:"true"`
	// Networks that it may come from. Default empty: the address of addr.
	Allow []netip.Prefix `key:"allow"`
}

// Numbers is how a bind writes numbers. Set ton to fit.
type Numbers struct {
	// Whether "+" stands before international numbers. Default false.
	Plus bool `key:"plus" default:"false"`
	// Country whose numbers are written nationally, as its calling code. Default empty: all are international.
	CountryCode Digits `key:"country_code"`
	// Digits before national numbers, such as 0. Default empty.
	TrunkPrefix Digits `key:"trunk_prefix"`
	// Digits before other countries' numbers on a national bind, such as 00. Default empty: these are refused there.
	InternationalPrefix Digits `key:"international_prefix"`
}

// TLV is an optional parameter. SMPP 3.4 §5.3.
type TLV struct {
	// Tag; not 0. Required.
	Tag Code `key:"tag" required:"true" min:"0x1" max:"0xFFFF"`
	// Value as text, or as octets in hex after 0x. Default empty.
	Value string `key:"value" octets:"512"`
}

// Octets is the value; false where the hex is none.
func (t *TLV) Octets() ([]byte, bool) {
	digits, isHex := strings.CutPrefix(t.Value, "0x")
	if !isHex {
		return []byte(t.Value), true
	}
	octets, err := hex.DecodeString(digits)
	return octets, err == nil
}

// Reply is what a carrier is told for its deliver_sm; carriers differ in which
// values they retry.
type Reply struct {
	// Temporary: the carrier is to keep the message; not 0. Default 0x64.
	Temporary Code `key:"temporary" default:"0x64" min:"0x1"`
	// Refused for good; not 0. Default 0x65.
	Permanent Code `key:"permanent" default:"0x65" min:"0x1"`
	// Too many at once; not 0. Default 0x58.
	Throttled Code `key:"throttled" default:"0x58" min:"0x1"`
}
