package configs

import "time"

// Config is a whole, valid configuration: every field holds what the file says
// or else its default.
type Config struct {
	// Name of this edge in logs and metrics. Default edge-1.
	Node Name `key:"node" default:"edge-1"`
	// Folder of the embedded store, the ledger and control.sock; made with mode 0700. Default ./data.
	DataDir Path `key:"data_dir" default:"./data" required:"true"`
	// What wraps the data keys.
	Secrets Secrets `key:"secrets"`
	// The store.
	Database Database `key:"database"`
	// How long a stopping edge waits for what is in flight.
	Drain Drain `key:"drain"`
	// What is logged, and how; numbers are always redacted.
	Log Log `key:"log"`
	// The tenants that accounts and peers belong to.
	Tenants []Tenant `key:"tenants" live:"true"`
	// What pools use where they say nothing else.
	Lifecycle Lifecycle `key:"lifecycle"`
	// The HTTP listener.
	API API `key:"api"`
	// The SMSC role: peers bind to us.
	SMPP SMPP `key:"smpp"`
	// The SIP listeners, and the tenants' own peers.
	SIP SIP `key:"sip"`
	// The RTP relay.
	Media Media `key:"media"`
	// The companies that we exchange traffic with.
	Carriers []Carrier `key:"carriers" live:"true"`
	// How carriers are chosen, and what is answered where nothing can be.
	Routing Routing `key:"routing"`
	// What is reported to the outside.
	Observe Observe `key:"observe"`
	// Where tenants try things with test keys.
	Sandbox Sandbox `key:"sandbox"`
}

// Secrets says what wraps the data keys.
type Secrets struct {
	// File of the key that seals the ledger and wraps the store's data key, made with mode 0600 at first start; a relative path starts at data_dir. Default master.key.
	KeyFile string `key:"key_file" default:"master.key" octets:"4096" required:"true"`
	// Program and arguments that wrap and unwrap the store's data key instead of the file. Default empty: the file.
	KMSCommand []string `key:"kms_command" octets:"4096"`
}

// Database says where the store is.
type Database struct {
	// postgres:// URL of the store; a secret. Default empty: SQLite in data_dir.
	URL DatabaseURL `key:"url"`
	// Whether serve upgrades the schema, or only maskline migrate does. Default auto.
	Migrate Migrate `key:"migrate"`
	// How changes in Postgres reach the table in memory; auto: logical where the server allows it, else changelog. Default auto.
	Sync Sync `key:"sync"`
	// Replication slot that outlives this edge's connection, each edge its own; see docs/postgres.md. Default empty: a temporary one.
	Slot string `key:"slot" octets:"63"`
	// Longest wait of an API write, after its commit, until this edge routes by it; not 0. Default 5s.
	Wait time.Duration `key:"wait" default:"5s" min:"1ms" max:"10m"`
	// Pause between comparisons of the table with the store; 0: never. Default 1h.
	Compare time.Duration `key:"compare" default:"1h"`
	// Age of the last proof of life at which the table is shown as stale; 0: never. Default 30s.
	MaxStale time.Duration `key:"max_stale" default:"30s"`
}

// Drain says how long a stopping edge waits for what is in flight.
type Drain struct {
	// For messages; 0: not at all. Default 30s.
	SMS time.Duration `key:"sms" default:"30s"` //nolint:staticcheck // SMS is the service, not milliseconds
	// For calls; 0: they are ended at once. Default 30m.
	Calls time.Duration `key:"calls" default:"30m"`
}

// Log says what is logged.
type Log struct {
	// Least severity that is logged. Default info.
	Level LogLevel `key:"level" live:"true"`
	// One JSON object per line, or columns for people. Default json.
	Format LogFormat `key:"format"`
}

// Tenant is a customer of the operator.
type Tenant struct {
	// Name that accounts and peers refer to, and a metric label. Required.
	Name Name `key:"name" required:"true"`
	// Most live sessions; 0: no limit. Default 0.
	Sessions int `key:"sessions" default:"0" min:"0" max:"1000000000" live:"true"`
	// Most masks held that nobody else has meanwhile: those of live leases and public sessions; 0: no limit. Default 0.
	Masks int `key:"masks" default:"0" min:"0" max:"1000000000" live:"true"`
	// Requests to the API per second of all its keys; 0: as api.limits.tenant_rps. Default 0.
	RPS int `key:"rps" default:"0" min:"0" max:"1000000" live:"true"`
	// Requests to the API under way of all its keys; 0: as api.limits.tenant_inflight. Default 0.
	Inflight int `key:"inflight" default:"0" min:"0" max:"1000000" live:"true"`
	// Whether its participants need a consent, recorded by the API. Default false.
	Consents bool `key:"consents" default:"false" live:"true"`
	// Most that its traffic may cost in a day of UTC, in the unit of carriers[].cost, on all edges; 0: no limit. Default 0.
	SpendDay float64 `key:"spend_day" default:"0" min:"0" max:"1000000000" live:"true"`
	// Countries that it may reach. Default empty: all.
	Regions []Country `key:"regions" live:"true"`
	// Where the tenant differs from routing.opt_out; keys and calling codes left out are as there.
	OptOut OptOut `key:"opt_out"`
}

// Lifecycle is what pools use where they say nothing else.
type Lifecycle struct {
	// Life of a session that names none; not 0. Default 1h.
	TTL time.Duration `key:"ttl" default:"1h" min:"1s"`
	// Longest life that a session may ask for; 0: no limit. Default 720h.
	MaxTTL time.Duration `key:"max_ttl" default:"720h"`
	// Rest of a mask before the same party meets it again; 0: none. Default 24h.
	Quarantine time.Duration `key:"quarantine" default:"24h"`
	// Most parties that one mask serves at a time; 0: no limit. Default 100.
	PartiesPerMask int `key:"parties_per_mask" default:"100" min:"0" max:"1000000000"`
}

// Observe says what is reported to the outside.
type Observe struct {
	// Copies of SIP messages in HEPv3, for Homer.
	HEP HEP `key:"hep"`
	// Call detail records as files.
	CDR CDR `key:"cdr"`
}

// HEP sends copies of SIP messages.
type HEP struct {
	// Address and UDP port of the collector. Default empty: nothing is sent.
	Addr HostPort `key:"addr"`
	// Whether numbers are redacted in the copies. Default true.
	Redact bool `key:"redact" default:"true"`
}

// CDR writes call detail records.
type CDR struct {
	// Folder of the files. Default empty: none are written.
	Dir Path `key:"dir"`
	// Time after which a new file is begun; not 0. Default 1h.
	Rotate time.Duration `key:"rotate" default:"1h" min:"1s"`
	// Octets after which a new file is begun; 0: no bound. Default 64MiB.
	Size Size `key:"size" default:"64MiB"`
}
