package webhook

import (
	"time"

	"maskline/api/rest"
)

// Endpoint is an endpoint as the API shows it.
type Endpoint struct {
	ID        string    `json:"id" doc:"Such as whk_0d2k9x4m1qz7c."`
	Tenant    string    `json:"tenant,omitempty" doc:"Whose events it is posted; none: the operator's own."`
	URL       string    `json:"url" doc:"Where events are posted to."`
	Types     []string  `json:"types" nullable:"false" doc:"Types of events; none: all."`
	Label     string    `json:"label,omitempty" doc:"Your own name for it."`
	State     string    `json:"state" enum:"enabled,disabled,gone" doc:"gone: it has answered 410, and is posted nothing until it is enabled."`
	CreatedAt time.Time `json:"created_at"`
	Secrets   []Secret  `json:"secrets" nullable:"false" doc:"What signs; during a rotation more than one."`
}

// Secret tells of a signing secret. It is whole in the answer that makes it alone.
type Secret struct {
	Scheme  string     `json:"scheme" enum:"v1,v1a" doc:"v1: HMAC-SHA256; v1a: ed25519."`
	Secret  string     `json:"secret,omitempty" doc:"whsec_…: keep it, it is not shown again."`
	Public  string     `json:"public_key,omitempty" doc:"whpk_…, of v1a."`
	Expires *time.Time `json:"expires_at,omitempty" doc:"It signs until then."`
}

// EndpointInput makes an endpoint.
type EndpointInput struct {
	Body struct {
		URL    string      `json:"url" minLength:"8" maxLength:"2048" doc:"https, without a user or a fragment. Private addresses are refused unless the operator allows them."`
		Types  []EventType `json:"types,omitempty" maxItems:"64" nullable:"false" doc:"Types of events; none: all."`
		Label  string      `json:"label,omitempty" maxLength:"64" doc:"Your own name for it."`
		Scheme string      `json:"scheme,omitempty" enum:"v1,v1a" default:"v1" doc:"How its posts are signed."`
		Tenant string      `json:"tenant,omitempty" maxLength:"64" doc:"For keys of the operator: whose; none: the operator's own."`
	}
}

// EndpointAnswer is an endpoint with its entity tag.
type EndpointAnswer struct {
	ETag string `header:"ETag" doc:"For If-Match."`
	Body Endpoint
}

// EndpointID is the path of one endpoint.
type EndpointID struct {
	ID     string `path:"id" maxLength:"64" doc:"The endpoint, such as whk_0d2k9x4m1qz7c."`
	Tenant string `query:"tenant" maxLength:"64" doc:"For keys of the operator: whose; none: the operator's own."`
}

// EndpointChange changes an endpoint.
type EndpointChange struct {
	EndpointID
	Match string `header:"If-Match" maxLength:"64" doc:"The entity tag that the endpoint must have."`
	Body  struct {
		URL     *string      `json:"url,omitempty" maxLength:"2048"`
		Types   *[]EventType `json:"types,omitempty" maxItems:"64" nullable:"false"`
		Label   *string      `json:"label,omitempty" maxLength:"64"`
		Enabled *bool        `json:"enabled,omitempty" doc:"One that is enabled again is posted what comes from then on."`
	}
}

// EndpointRotation replaces the signing secret.
type EndpointRotation struct {
	EndpointID
	Body struct {
		Overlap int    `json:"overlap,omitempty" minimum:"0" maximum:"604800" default:"86400" doc:"For so many seconds both sign."`
		Scheme  string `json:"scheme,omitempty" enum:"v1,v1a" default:"v1" doc:"Of the new one."`
	}
}

// EndpointReplay has events posted again.
type EndpointReplay struct {
	EndpointID
	Body struct {
		Event string     `json:"event_id,omitempty" maxLength:"64" doc:"This event, whatever became of it."`
		Since *time.Time `json:"since,omitempty" doc:"Those that were given up, or wait, of events not before."`
	}
}

// ReplayAnswer counts.
type ReplayAnswer struct {
	Events int `json:"events" doc:"How many are posted again. At most 1,000 at a time."`
}

// EndpointDeliveries asks for the log.
type EndpointDeliveries struct {
	EndpointID
	rest.Page
}

// EndpointDelivery is a line of the log.
type EndpointDelivery struct {
	Event    string     `json:"event_id"`
	Type     string     `json:"type"`
	Session  string     `json:"session_id,omitempty"`
	State    string     `json:"state" enum:"waiting,delivered,given_up"`
	Attempts int        `json:"attempts"`
	Status   int        `json:"status,omitempty" doc:"HTTP status of the last attempt; none: there was no answer."`
	Outcome  string     `json:"outcome" doc:"How the last attempt went, in a word or two."`
	Took     float64    `json:"seconds" doc:"Time that the last attempt took."`
	At       *time.Time `json:"attempted_at,omitempty"`
	Next     *time.Time `json:"next_attempt_at,omitempty"`
}

// TestAnswer is how a test post went.
type TestAnswer struct {
	Event   string  `json:"event_id" doc:"Of the event, which stands in no list."`
	OK      bool    `json:"ok"`
	Status  int     `json:"status,omitempty"`
	Outcome string  `json:"outcome" enum:"ok,status,redirect,gone,throttled,timeout,name,address,tls,connection,cancelled"`
	Took    float64 `json:"seconds"`
}

// EndpointsInput asks for all.
type EndpointsInput struct {
	Tenant string `query:"tenant" maxLength:"64" doc:"For keys of the operator: whose; none: the operator's own."`
}
