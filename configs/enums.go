package configs

// A choice is a text type with a fixed set of values; the first is the default.
type choice interface{ choices() []string }

// Migrate says who upgrades the schema.
type Migrate string

// The values of Migrate.
const (
	MigrateAuto   Migrate = "auto"
	MigrateManual Migrate = "manual"
)

func (Migrate) choices() []string { return []string{"auto", "manual"} }

// Sync is how changes in Postgres reach the table.
type Sync string

// The values of Sync.
const (
	SyncAuto      Sync = "auto"
	SyncLogical   Sync = "logical"
	SyncChangelog Sync = "changelog"
)

func (Sync) choices() []string { return []string{"auto", "logical", "changelog"} }

// LogLevel is the least severity that is logged, in zap's names.
type LogLevel string

func (LogLevel) choices() []string { return []string{"info", "debug", "warn", "error"} }

// LogFormat is the form of a log line.
type LogFormat string

// The values of LogFormat.
const (
	LogJSON    LogFormat = "json"
	LogConsole LogFormat = "console"
)

func (LogFormat) choices() []string { return []string{"json", "console"} }

// Role ranks a carrier's SMSCs.
type Role string

// The values of Role.
const (
	Primary Role = "primary"
	Backup  Role = "backup"
)

func (Role) choices() []string { return []string{"primary", "backup"} }

// BindType is the kind of bind. SMPP 3.4 §4.1.
type BindType string

// The values of BindType.
const (
	Transceiver BindType = "transceiver"
	Receiver    BindType = "receiver"
	Transmitter BindType = "transmitter"
)

func (BindType) choices() []string { return []string{"transceiver", "receiver", "transmitter"} }

// Encoding is what data_coding 0 means to a carrier.
type Encoding string

// The values of Encoding.
const (
	GSM7   Encoding = "gsm7"
	Latin1 Encoding = "latin1"
	UCS2   Encoding = "ucs2"
)

func (Encoding) choices() []string { return []string{"gsm7", "latin1", "ucs2"} }

// Reliable is the part that a trunk takes in acknowledged provisional responses.
type Reliable string

// The values of Reliable.
const (
	ReliableSupported Reliable = "supported"
	ReliableOff       Reliable = "off"
	ReliableRequired  Reliable = "required"
)

func (Reliable) choices() []string { return []string{"supported", "off", "required"} }

// EarlyMedia is what a caller gets of media before the answer.
type EarlyMedia string

// The values of EarlyMedia.
const (
	EarlyMediaPass EarlyMedia = "pass"
	EarlyMediaRing EarlyMedia = "ring"
)

func (EarlyMedia) choices() []string { return []string{"pass", "ring"} }

// Long is how long messages are sent.
type Long string

// The values of Long.
const (
	LongKeep    Long = "keep"
	LongUDH     Long = "udh"
	LongSAR     Long = "sar"
	LongPayload Long = "payload"
)

func (Long) choices() []string { return []string{"keep", "udh", "sar", "payload"} }

// Special is a kind of message that is not there to be read.
type Special string

// The values of Special.
const (
	SpecialSilent  Special = "silent"
	SpecialReplace Special = "replace"
	SpecialSIM     Special = "sim"
	SpecialClass2  Special = "class2"
)

func (Special) choices() []string { return []string{"silent", "replace", "sim", "class2"} }

// ReceiptIDs is how message ids in receipts are written.
type ReceiptIDs string

// The values of ReceiptIDs.
const (
	ReceiptsStandard ReceiptIDs = "standard"
	ReceiptsDecimal  ReceiptIDs = "decimal"
	ReceiptsHex      ReceiptIDs = "hex"
)

func (ReceiptIDs) choices() []string { return []string{"standard", "decimal", "hex"} }

// Unknown is what follows a message that was sent but not answered in time.
type Unknown string

// The values of Unknown.
const (
	UnknownReport Unknown = "report"
	UnknownNext   Unknown = "next"
)

func (Unknown) choices() []string { return []string{"report", "next"} }

// CLIHeader is a header that holds the presented number.
type CLIHeader string

// The values of CLIHeader.
const (
	CLIFrom CLIHeader = "from"
	CLIPAI  CLIHeader = "pai"
)

func (CLIHeader) choices() []string { return []string{"from", "pai"} }

// DigestAlgorithm is the hash of a digest.
type DigestAlgorithm string

// The values of DigestAlgorithm.
const (
	DigestSHA256 DigestAlgorithm = "sha-256"
	DigestMD5    DigestAlgorithm = "md5"
)

func (DigestAlgorithm) choices() []string { return []string{"sha-256", "md5"} }

// CLIFormat is how the presented number is written.
type CLIFormat string

// The values of CLIFormat.
const (
	CLIE164     CLIFormat = "e164"
	CLINational CLIFormat = "national"
	CLIPlain    CLIFormat = "plain"
)

func (CLIFormat) choices() []string { return []string{"e164", "national", "plain"} }

// SRTP is the encryption of media.
type SRTP string

// The values of SRTP.
const (
	SRTPOff      SRTP = "off"
	SRTPOptional SRTP = "optional"
	SRTPRequired SRTP = "required"
)

func (SRTP) choices() []string { return []string{"off", "optional", "required"} }

// Latch is what of a media source is learned from packets.
type Latch string

// The values of Latch.
const (
	LatchPort   Latch = "port"
	LatchStrict Latch = "strict"
)

func (Latch) choices() []string { return []string{"port", "strict"} }

// T38 is what is done with fax.
type T38 string

// The values of T38.
const (
	T38Refuse T38 = "refuse"
	T38Relay  T38 = "relay"
)

func (T38) choices() []string { return []string{"refuse", "relay"} }

// Backend is how packets are moved.
type Backend string

// The values of Backend.
const (
	BackendAuto     Backend = "auto"
	BackendPortable Backend = "portable"
	BackendSteer    Backend = "steer"
	BackendKernel   Backend = "kernel"
)

func (Backend) choices() []string { return []string{"auto", "portable", "steer", "kernel"} }

// Order is what ranks carriers.
type Order string

// The values of Order.
const (
	ByPriority Order = "priority"
	ByCost     Order = "cost"
)

func (Order) choices() []string { return []string{"priority", "cost"} }

// OptOutScope is what a party's opt-out ends.
type OptOutScope string

// The values of OptOutScope.
const (
	OptOutTenant  OptOutScope = "tenant"
	OptOutSession OptOutScope = "session"
)

func (OptOutScope) choices() []string { return []string{"tenant", "session"} }

// ThirdPartyCodes is what becomes of one-time codes of others.
type ThirdPartyCodes string

// The values of ThirdPartyCodes.
const (
	CodesOff    ThirdPartyCodes = "off"
	CodesFlag   ThirdPartyCodes = "flag"
	CodesRefuse ThirdPartyCodes = "refuse"
)

func (ThirdPartyCodes) choices() []string { return []string{"off", "flag", "refuse"} }

// Direction is which way a contact goes.
type Direction string

// The values of Direction.
const (
	AnyDirection Direction = "any"
	Inbound      Direction = "inbound"
	Outbound     Direction = "outbound"
)

func (Direction) choices() []string { return []string{"any", "inbound", "outbound"} }

// SMSAnswer is what happens to a message that cannot be routed.
type SMSAnswer string

// The values of SMSAnswer.
const (
	SMSReject SMSAnswer = "reject"
	SMSDrop   SMSAnswer = "drop"
)

func (SMSAnswer) choices() []string { return []string{"reject", "drop"} }

// APIRole is what a client of the API may at most.
type APIRole string

func (APIRole) choices() []string {
	return []string{"read-only", "auditor", "integrator", "operator", "owner"}
}

// APIScope permits a group of operations of the API.
type APIScope string

func (APIScope) choices() []string {
	return []string{
		"sessions:read", "sessions:write", "messages:read", "messages:write", "calls:read", "calls:write", "verifications:read", "verifications:write", "restrictions:read",
		"restrictions:write", "numbers:read", "numbers:write", "events:read", "usage:read", "webhooks:read", "webhooks:write", "keys:read", "keys:write",
		"audit:read", "pii:read", "admin",
	}
}
