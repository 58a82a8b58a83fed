package configs

import (
	"net/netip"
	"time"
)

// API is the HTTP listener.
type API struct {
	// Address and port of /v1, the console, /healthz, /readyz and /metrics; port 0: the kernel chooses. Default 127.0.0.1:8080.
	Listen netip.AddrPort `key:"listen" default:"127.0.0.1:8080" required:"true"`
	// Address and port that then serve /metrics alone. Default empty: /metrics is served on api.listen.
	MetricsListen netip.AddrPort `key:"metrics_listen"`
	// TLS of api.listen, which the metrics there share.
	TLS ServerTLS `key:"tls"`
	// Who is let in by a client's certificate, without a key.
	Clients []APIClient `key:"clients" live:"whole"`
	// Limits of one source or request.
	Limits APILimits `key:"limits"`
	// CSV of numbers that are denied or allowed, beside those that every edge denies; see docs/limits.md. Default empty: none.
	Destinations Path `key:"destinations" live:"true"`
	// Countries that participants may be of, whatever the tenant. Default empty: all.
	Regions []Country `key:"regions" live:"true"`
	// What counts as abuse by a key, and what becomes of it.
	Abuse Abuse `key:"abuse"`
	// Identity providers whose tokens are accepted. Default empty: keys only.
	OIDC []OIDC `key:"oidc"`
	// How events are posted to tenants.
	Webhooks Webhooks `key:"webhooks"`
	// Calls that the edge makes to both participants of a session.
	Calls APICalls `key:"calls"`
}

// APICalls are the calls that the API asks for.
type APICalls struct {
	// How long each phone may ring, where the request does not say; the trunk's own limit holds too; not 0. Default 45s.
	Ring time.Duration `key:"ring" default:"45s" min:"5s"`
}

// ServerTLS is TLS towards peers that connect to us.
type ServerTLS struct {
	// File of our certificate chain in PEM. Default empty: no TLS.
	Cert Path `key:"cert"`
	// File of its private key in PEM. Default empty: no TLS.
	Key Path `key:"key"`
	// File of the authorities that a client's certificate must come from. Default empty: none is asked for.
	ClientCA Path `key:"client_ca"`
}

// APILimits bound what one source may ask of the API.
type APILimits struct {
	// Requests per second and key; 0: no limit. Default 0.
	RPS int `key:"rps" default:"0" min:"0" max:"1000000" live:"true"`
	// Requests per second of all keys of a tenant; 0: no limit. Default 0.
	TenantRPS int `key:"tenant_rps" default:"0" min:"0" max:"1000000" live:"true"`
	// Requests under way of all keys of a tenant, streams aside; 0: no limit. Default 128.
	TenantInflight int `key:"tenant_inflight" default:"128" min:"0" max:"1000000" live:"true"`
	// Largest request body in bytes; not 0. Default 1MiB.
	Body Size `key:"body" default:"1MiB" min:"1KiB" max:"1GiB"`
	// Time for the header of a request; not 0. Default 5s.
	Header time.Duration `key:"header" default:"5s" min:"1ms"`
	// Time for a whole request; not 0. Default 10s.
	Read time.Duration `key:"read" default:"10s" min:"1ms"`
	// Failed authentications per minute and source; a valid key still passes; 0: no limit. Default 20.
	AuthFailures int `key:"auth_failures" default:"20" min:"0" max:"1000000"`
}

// Abuse says what a key may do in an hour before it counts as abuse, and from how
// many points on something is done about it; docs/limits.md has the points.
type Abuse struct {
	// Sessions and leases made; 0: not looked at. Default 0.
	Allocations int `key:"allocations" default:"0" min:"0" max:"1000000000" live:"true"`
	// Leases made; 0: not looked at. Default 0.
	Leases int `key:"leases" default:"0" min:"0" max:"1000000000" live:"true"`
	// Masks rotated, and leases given back within two minutes; 0: not looked at. Default 100.
	Rotations int `key:"rotations" default:"100" min:"0" max:"1000000000" live:"true"`
	// Calling codes that are new for the tenant since the edge started; 0: not looked at. Default 20.
	Countries int `key:"countries" default:"20" min:"0" max:"1000" live:"true"`
	// Numbers next to one of the last 128 that the key reached, where they are half of all; 0: not looked at. Default 100.
	Sequential int `key:"sequential" default:"100" min:"0" max:"1000000000" live:"true"`
	// Numbers of denied ranges asked for; 0: not looked at. Default 20.
	Denied int `key:"denied" default:"20" min:"0" max:"1000000000" live:"true"`
	// Points from which the key's rate is a tenth, at most slow; 0: never. Default 50.
	Throttle int `key:"throttle" default:"50" min:"0" max:"10000" live:"true"`
	// Points from which nothing new is given out; 0: never. Default 100.
	StepUp int `key:"step_up" default:"100" min:"0" max:"10000" live:"true"`
	// Points from which the key is suspended; 0: never. Default 150.
	Suspend int `key:"suspend" default:"150" min:"0" max:"10000" live:"true"`
	// Most requests per second of a key that is throttled; not 0. Default 10.
	Slow int `key:"slow" default:"10" min:"1" max:"1000000" live:"true"`
}

// APIClient is who shows a certificate that comes from api.tls.client_ca and has all
// that is asked for.
type APIClient struct {
	// Your name for it, in limits and the audit; no other entry's. Required.
	Name Name `key:"name" required:"true"`
	// DNS name, address, URI or mail address among the subject's alternative names. Default empty: any, with a fingerprint.
	SAN string `key:"san" octets:"256"`
	// SHA-256 of the certificate in DER, 64 hexadecimal digits, with or without colons. Default empty: any, with a san.
	Fingerprint string `key:"fingerprint" octets:"96"`
	// Whose it is. Default empty: the operator's.
	Tenant Name `key:"tenant"`
	// What it may at most. Default read-only.
	Role APIRole `key:"role" default:"read-only"`
	// What it may of that. Default empty: all of the role but pii:read.
	Scopes []APIScope `key:"scopes"`
}

// OIDC is an identity provider. An entry without anything is none.
type OIDC struct {
	// Issuer URL, as its tokens name it: https, on loopback http too. Default empty: in an empty entry only.
	Issuer string `key:"issuer" octets:"2048"`
	// Audience that a token must name. Default empty: in an empty entry only.
	Audience string `key:"audience" octets:"256"`
	// Claim that holds the tenant; dots lead into objects. Default empty: in an empty entry only.
	TenantClaim string `key:"tenant_claim" octets:"256"`
	// Claim that holds the role, or a list with it; dots lead into objects. Default empty: in an empty entry only.
	RoleClaim string `key:"role_claim" octets:"256"`
	// Text in the tenant's place that stands for the operator. Default empty: none does.
	Operator string `key:"operator" octets:"64"`
	// File of the authorities that its certificate must come from. Default empty: those of the system.
	CA Path `key:"ca"`
}

// Webhooks says how events are posted to tenants.
type Webhooks struct {
	// Private networks that may be posted to. Default empty: none.
	AllowPrivate []netip.Prefix `key:"allow_private"`
	// Time for one post; not 0. Default 15s.
	Timeout time.Duration `key:"timeout" default:"15s" min:"1ms"`
	// Most posts under way at a time; not 0. Default 64.
	Concurrency int `key:"concurrency" default:"64" min:"1" max:"10000"`
	// How long events and the log of their deliveries are kept; attempts at an endpoint that is away go on for three days and some hours; not 0. Default 168h.
	Keep time.Duration `key:"keep" default:"168h" min:"96h"`
}
