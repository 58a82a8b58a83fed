// Code generated from the OpenAPI document by go test ./cmd/maskline -run TestClients -update. DO NOT EDIT.

package client

import (
	"encoding/json"
	"time"
)

var _ json.RawMessage // not every document needs it

// About is the schema About of the document.
type About struct {
	// The code.
	Code string `json:"code"`
	// HTTP status.
	Status int64 `json:"status"`
	// What has happened, in a sentence.
	Title string `json:"title"`
}

// AccessToken is the schema AccessToken of the document.
type AccessToken struct {
	// For the field Authorization: Bearer.
	AccessToken string `json:"access_token"`
	// One of Bearer.
	TokenType string `json:"token_type"`
	// Seconds.
	ExpiresIn int64 `json:"expires_in"`
	// What it may, divided by spaces.
	Scope string `json:"scope"`
}

// AdvanceInput is the schema AdvanceInputBody of the document.
type AdvanceInput struct {
	// By so many seconds.
	Seconds int64 `json:"seconds"`
}

// AuditLine is the schema AuditLine of the document.
type AuditLine struct {
	// Such as aud_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// Its place in the chain, from 1.
	Place int64 `json:"place"`
	// When.
	At time.Time `json:"at"`
	// The edge that did it.
	Node string `json:"node"`
	// Who: the id of a key, operator for the command line, edge for the edge itself.
	Actor string `json:"actor"`
	// What was done, such as session.created.
	What string `json:"what"`
	// Keyed hash of the line, its place and the hash of the line before.
	Hash string `json:"hash"`
	// A few words more.
	Detail string `json:"detail,omitempty"`
	// What it was done to: an id, a name or a mask.
	Subject string `json:"subject,omitempty"`
	// Whose; none: the operator's.
	Tenant string `json:"tenant,omitempty"`
}

// Call is the schema Call of the document.
type Call struct {
	// Such as cal_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// Whose participants are called.
	Session string `json:"session"`
	// calling: the first person is called. ringing: the first person's phone rings. connecting: the first person has answered, and the second is called. One of calling, ringing, connecting, connected, ended.
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	// When the first person answered.
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	// When the two could talk.
	ConnectedAt time.Time `json:"connected_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	// Of a call that ended before the two could talk: who was being called. One of first, second.
	Leg string `json:"leg,omitempty"`
	// Of a call that has ended. unknown: the edge ended without telling. One of completed, no_answer, busy, declined, unreachable, cancelled, refused, failed, unknown.
	Outcome string `json:"outcome,omitempty"`
	// Of a call that has ended: the word of the call records.
	Reason string `json:"reason,omitempty"`
	// From connected_at to ended_at.
	Seconds float64 `json:"seconds,omitempty"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// CallAnswer is the schema CallAnswer of the document.
type CallAnswer struct {
	Answered bool `json:"answered"`
	// The caller has heard the other side: media went through.
	Heard bool `json:"heard"`
	// From the call to its answer or refusal.
	SetupSeconds float64 `json:"setup_seconds"`
	// false
	Livemode bool `json:"livemode"`
	// SIP code by which it was not answered.
	Code int64 `json:"code,omitempty"`
}

// CallInput is the schema CallInputBody of the document.
type CallInput struct {
	// Who calls, with +: a number of a range for fiction.
	From string `json:"from"`
	// The mask, with +.
	To string `json:"to"`
	// How long they talk, where it is answered.
	Seconds int64 `json:"seconds,omitempty"`
}

// Called is the schema Called of the document.
type Called struct {
	// The mask that the person sees.
	From string `json:"from"`
	// The person.
	To string `json:"to"`
	// Which of the simulated carriers had it.
	Carrier string `json:"carrier"`
	// By the clock of the sandbox.
	At time.Time `json:"at"`
	// false
	Livemode bool `json:"livemode"`
}

// Carrier is the schema Carrier of the document.
type Carrier struct {
	Carrier string `json:"carrier"`
	// One of sms, voice.
	Service string `json:"service"`
	// Whether anything may be sent there.
	Up bool `json:"up"`
	// closed, open, or half_open: one try at a time.
	Breaker string `json:"breaker"`
}

// Changed is the schema Changed of the document.
type Changed struct {
	Changed int64 `json:"changed"`
}

// CheckInput is the schema CheckInputBody of the document.
type CheckInput struct {
	// What the person has typed in.
	Code string `json:"code"`
}

// Checked is the schema Checked of the document.
type Checked struct {
	Success      bool  `json:"success"`
	AttemptsLeft int64 `json:"attempts_left"`
	// What to do now. One of continue.
	NextStep string `json:"next_step"`
}

// ClockTime is the schema ClockTime of the document.
type ClockTime struct {
	Now time.Time `json:"now"`
	// false
	Livemode bool `json:"livemode"`
}

// Consent is the schema Consent of the document.
type Consent struct {
	// Such as con_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// Who has agreed, redacted unless the key has pii:read.
	Number string `json:"number"`
	// The text that was shown.
	Text string `json:"text"`
	// How the person agreed.
	Method string `json:"method"`
	// When.
	GivenAt time.Time `json:"given_at"`
	// Towards whom; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
	// When it was withdrawn; none: it stands.
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero"`
	// What for; none: whatever the tenant does.
	Workflow string `json:"workflow,omitempty"`
}

// ConsentInput is the schema ConsentInputBody of the document.
type ConsentInput struct {
	// The person's own number: a plus and 7 to 15 digits.
	Number string `json:"number"`
	// The text that the person was shown.
	Text string `json:"text"`
	// How the person agreed, such as checkbox, sms or call.
	Method string `json:"method"`
	// When, not in the future; none: now.
	GivenAt time.Time `json:"given_at,omitzero"`
	// Towards whom, for the operator's keys; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
	// What for; none: whatever the tenant does.
	Workflow string `json:"workflow,omitempty"`
}

// CreateCallInput is the schema CreateCallInputBody of the document.
type CreateCallInput struct {
	// Number of the participant who is called first, with +; without it, the first participant of the session.
	First string `json:"first,omitempty"`
	// Seconds for which each phone may ring; without it, as the operator has it.
	Ring int64 `json:"ring,omitempty"`
}

// CreatePoolInput is the schema CreatePoolInputBody of the document.
type CreatePoolInput struct {
	// Letters, digits, dots, dashes and underscores.
	Name string `json:"name"`
	// Seconds.
	IdleTTL int64 `json:"idle_ttl,omitempty"`
	// Seconds.
	MaxTTL  int64 `json:"max_ttl,omitempty"`
	MaxUses int64 `json:"max_uses,omitempty"`
	// Seconds.
	MinTTL         int64 `json:"min_ttl,omitempty"`
	PartiesPerMask int64 `json:"parties_per_mask,omitempty"`
	// Seconds.
	Quarantine int64 `json:"quarantine,omitempty"`
	Second     bool  `json:"second,omitempty"`
	// One of rotate, prefer-sticky, avoid-sticky, pinned.
	Selection string `json:"selection,omitempty"`
	// Who alone may use it; empty: everybody.
	Tenant string `json:"tenant,omitempty"`
	// Seconds.
	TTL int64 `json:"ttl,omitempty"`
}

// Day is the schema Day of the document.
type Day struct {
	// Of UTC.
	Day string `json:"day"`
	// Messages that were taken; of long ones each segment.
	Messages int64 `json:"messages"`
	// Calls that were answered.
	Calls int64 `json:"calls"`
	// How long they lasted.
	Seconds int64 `json:"seconds"`
	// By the costs of the carriers: a unit for each message, one for each minute begun.
	Cost string `json:"cost"`
	// Whose traffic; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// DeliveryAttempt is the schema DeliveryAttempt of the document.
type DeliveryAttempt struct {
	Carrier string `json:"carrier"`
	// One of accepted, refused, no_answer.
	Outcome string `json:"outcome"`
	// SMPP command_status of a refusal, such as 0x00000058.
	Status string `json:"status,omitempty"`
}

// DeliveryStatus is the schema DeliveryStatus of the document.
type DeliveryStatus struct {
	ID string `json:"id"`
	// Delivered is what the network has confirmed, and nothing less. One of accepted, submitted, delivered, undelivered, expired, rejected, unknown.
	State string `json:"state"`
	// The state will not change any more.
	Final bool `json:"final"`
	// Attempts to hand it to carriers.
	Attempts  []DeliveryAttempt `json:"attempts"`
	UpdatedAt time.Time         `json:"updated_at"`
	// That has it, or may have it.
	Carrier string `json:"carrier,omitempty"`
	// The network's error code.
	CarrierCode string `json:"carrier_code,omitempty"`
	// Short messages that it takes on the air.
	Segments int64 `json:"segments,omitempty"`
}

// DeliveryStatusInput is the schema DeliveryStatusInputBody of the document.
type DeliveryStatusInput struct {
	// Such as msg_0d2k9x4m1qz7c.
	MessageID string `json:"message_id"`
}

// Endpoint is the schema Endpoint of the document.
type Endpoint struct {
	// Such as whk_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// Where events are posted to.
	URL string `json:"url"`
	// Types of events; none: all.
	Types []string `json:"types"`
	// gone: it has answered 410, and is posted nothing until it is enabled. One of enabled, disabled, gone.
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	// What signs; during a rotation more than one.
	Secrets []Secret `json:"secrets"`
	// Your own name for it.
	Label string `json:"label,omitempty"`
	// Whose events it is posted; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// EndpointChangeInput is the schema EndpointChangeBody of the document.
type EndpointChangeInput struct {
	// One that is enabled again is posted what comes from then on.
	Enabled *bool     `json:"enabled,omitempty"`
	Label   *string   `json:"label,omitempty"`
	Types   *[]string `json:"types,omitempty"`
	URL     *string   `json:"url,omitempty"`
}

// EndpointDelivery is the schema EndpointDelivery of the document.
type EndpointDelivery struct {
	EventID string `json:"event_id"`
	Type    string `json:"type"`
	// One of waiting, delivered, given_up.
	State    string `json:"state"`
	Attempts int64  `json:"attempts"`
	// How the last attempt went, in a word or two.
	Outcome string `json:"outcome"`
	// Time that the last attempt took.
	Seconds       float64   `json:"seconds"`
	AttemptedAt   time.Time `json:"attempted_at,omitzero"`
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
	SessionID     string    `json:"session_id,omitempty"`
	// HTTP status of the last attempt; none: there was no answer.
	Status int64 `json:"status,omitempty"`
}

// EndpointInput is the schema EndpointInputBody of the document.
type EndpointInput struct {
	// https, without a user or a fragment. Private addresses are refused unless the operator allows them.
	URL string `json:"url"`
	// Your own name for it.
	Label string `json:"label,omitempty"`
	// How its posts are signed. One of v1, v1a.
	Scheme string `json:"scheme,omitempty"`
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
	// Types of events; none: all.
	Types []string `json:"types,omitempty"`
}

// EndpointReplayInput is the schema EndpointReplayBody of the document.
type EndpointReplayInput struct {
	// This event, whatever became of it.
	EventID string `json:"event_id,omitempty"`
	// Those that were given up, or wait, of events not before.
	Since time.Time `json:"since,omitzero"`
}

// EndpointRotationInput is the schema EndpointRotationBody of the document.
type EndpointRotationInput struct {
	// For so many seconds both sign.
	Overlap *int64 `json:"overlap,omitempty"`
	// Of the new one. One of v1, v1a.
	Scheme string `json:"scheme,omitempty"`
}

// Event is the schema Payload of the document.
type Event struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Livemode  bool            `json:"livemode"`
	Data      json.RawMessage `json:"data"`
	Sequence  int64           `json:"sequence,omitempty"`
}

// EventList is the schema EventList of the document.
type EventList struct {
	// The events, in their order.
	Data []Event `json:"data"`
	// There are more after the last one.
	More bool `json:"more"`
}

// ExtendSessionInput is the schema ExtendSessionInputBody of the document.
type ExtendSessionInput struct {
	// Its life in seconds from now.
	TTL int64 `json:"ttl"`
}

// Field is the schema Field of the document.
type Field struct {
	// Where, such as body.participants[0].number.
	Field string `json:"field"`
	// What was expected there.
	Problem string `json:"problem"`
}

// ImportNumbersInput is the schema ImportNumbersInputBody of the document.
type ImportNumbersInput struct {
	Numbers []NumberWish `json:"numbers"`
	// Of those that name none.
	Pool string `json:"pool,omitempty"`
}

// InboundAnswer is the schema InboundAnswer of the document.
type InboundAnswer struct {
	// The edge has taken the message.
	Accepted bool `json:"accepted"`
	// SMPP command_status of its answer to the carrier, such as 0x00000000.
	Status string `json:"status"`
	// false
	Livemode bool `json:"livemode"`
}

// InboundInput is the schema InboundInputBody of the document.
type InboundInput struct {
	// Who writes, with +: a number of a range for fiction.
	From string `json:"from"`
	// The mask, with +.
	To string `json:"to"`
	// What it says.
	Text string `json:"text"`
}

// Key is the schema Key of the document.
type Key struct {
	// Such as key_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// How the text begins.
	Begins string `json:"begins"`
	// One of owner, operator, integrator, auditor, read-only.
	Role   string   `json:"role"`
	Scopes []string `json:"scopes"`
	// One of active, suspended, expired, revoked.
	State string `json:"state"`
	// false: of the sandbox.
	Livemode  bool      `json:"livemode"`
	CreatedAt time.Time `json:"created_at"`
	// None: never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// The text, in the answer to its making alone.
	Key   string `json:"key,omitempty"`
	Label string `json:"label,omitempty"`
	// To about half a minute; none: never.
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	// Whose; none: the operator's.
	Tenant string `json:"tenant,omitempty"`
}

// KeyRequest is the schema KeyRequest of the document.
type KeyRequest struct {
	// What it may at most. One of owner, operator, integrator, auditor, read-only.
	Role string `json:"role"`
	// Its life in seconds; without it, until it is revoked.
	ExpiresIn int64 `json:"expires_in,omitempty"`
	// Your own name for it, without numbers.
	Label string `json:"label,omitempty"`
	// What it may; without it, all of the role but pii:read.
	Scopes []string `json:"scopes,omitempty"`
	// Whose. A tenant's key makes keys of its tenant; the operator's, without one, the operator's.
	Tenant string `json:"tenant,omitempty"`
	// A key of the tenant's sandbox. A key of the sandbox makes no other.
	Test bool `json:"test,omitempty"`
}

// Lease is the schema Lease of the document.
type Lease struct {
	// Such as ses_0d2k9x4m1qz7c: a lease is a session too.
	ID string `json:"id"`
	// Where the number is from.
	Pool string `json:"pool"`
	// The leased number.
	Number string `json:"number"`
	// Where it leads, redacted unless the key has pii:read.
	To string `json:"to"`
	// active, or why it ended. One of active, expired, released, idle, used_up, burned, rotated.
	State string `json:"state"`
	// What it carries. One of sms, voice, sms+voice.
	Services  string    `json:"services"`
	CreatedAt time.Time `json:"created_at"`
	// When it stops, or stopped.
	ExpiresAt time.Time `json:"expires_at"`
	// false: of the sandbox.
	Livemode bool `json:"livemode"`
	// It ends after so many seconds without contact; none: never.
	IdleTTL int64 `json:"idle_ttl,omitempty"`
	// Your own name for it.
	Label string `json:"label,omitempty"`
	// It ends after so many messages and calls; none: never.
	MaxUses int64 `json:"max_uses,omitempty"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// LeaseRequest is the schema LeaseRequest of the document.
type LeaseRequest struct {
	// Where the number is from.
	Pool string `json:"pool"`
	// Where it leads: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT] of your own.
	To string `json:"to"`
	// Of an account or a peer, the number that it answers strangers from; without it, it cannot.
	AnswersFrom string `json:"answers_from,omitempty"`
	// End after so many seconds without contact; without it, as the pool says.
	IdleTTL int64 `json:"idle_ttl,omitempty"`
	// Your own name for it.
	Label string `json:"label,omitempty"`
	// End after so many messages and calls; without it, as the pool says.
	MaxUses int64 `json:"max_uses,omitempty"`
	// Where the number should be from.
	Region *MaskRegion `json:"region,omitempty"`
	// What it carries; without it, sms towards an account and both else. One of sms, voice, sms+voice.
	Services string `json:"services,omitempty"`
	// Whose lease; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
	// Its life in seconds; without it, as the pool says.
	TTL int64 `json:"ttl,omitempty"`
}

// Limit is the schema Limit of the document.
type Limit struct {
	// The key that asks.
	Key string `json:"key"`
	// Live sessions, leases among them.
	Sessions Quota `json:"sessions"`
	// Masks that nobody else has meanwhile: of live leases and public sessions.
	Masks Quota `json:"masks"`
	// Countries that participants may be of; none: all.
	Regions []string `json:"regions"`
	// Whether participants need a consent.
	ConsentsRequired bool `json:"consents_required"`
	// Points of what the key did in the last hour.
	Score int64 `json:"score"`
	// What the points are for.
	Because []ScorePoint `json:"because"`
	// Requests per second of the key; none: no limit.
	RPS int64 `json:"rps,omitempty"`
	// Points from which nothing new is given out; none: never.
	StepUpAt int64 `json:"step_up_at,omitempty"`
	// Points from which the key is suspended; none: never.
	SuspendAt int64 `json:"suspend_at,omitempty"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
	// Requests under way of all keys of the tenant; none: no limit.
	TenantInflight int64 `json:"tenant_inflight,omitempty"`
	// Requests per second of all keys of the tenant; none: no limit.
	TenantRPS int64 `json:"tenant_rps,omitempty"`
	// Points from which the key is throttled; none: never.
	ThrottleAt int64 `json:"throttle_at,omitempty"`
}

// MaskRegion is the schema MaskRegion of the document.
type MaskRegion struct {
	// It has to be of this country.
	Country string `json:"country,omitempty"`
	// It begins with as many of these digits as can be had.
	Prefix string `json:"prefix,omitempty"`
}

// Message is the schema Message of the document.
type Message struct {
	// Such as msg_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// The edge wrote it. One of outbound.
	Direction string `json:"direction"`
	// How far it has come. One of accepted, submitted, delivered, undelivered, expired, rejected, unknown.
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	// false: of the sandbox.
	Livemode bool `json:"livemode"`
	// When its state became final.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Short messages that it takes on the air.
	Segments int64 `json:"segments,omitempty"`
	// Through which it went.
	Session string `json:"session,omitempty"`
	// When a carrier had it.
	SubmittedAt time.Time `json:"submitted_at,omitzero"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
	// Whose code it holds.
	Verification string `json:"verification,omitempty"`
}

// Number is the schema Number of the document.
type Number struct {
	// In the form of E.164, a short code as 44:60123.
	Number string `json:"number"`
	// One of long_code, short_code, toll_free.
	Kind string `json:"kind"`
	// One of sms, voice, sms+voice.
	Services string `json:"services"`
	// One of free, held, quarantined, watchlisted, draining, retired.
	State string `json:"state"`
	// Of the state.
	Since time.Time `json:"since"`
	// That hosts it; none: any.
	Carrier string `json:"carrier,omitempty"`
	// Per month, for your books.
	Cost string `json:"cost,omitempty"`
	// ISO 3166; none: not known.
	Country string   `json:"country,omitempty"`
	Flags   []string `json:"flags,omitempty"`
	// What became of it, newest first; of one mask alone.
	History []NumberEvent `json:"history,omitempty"`
	// That shares it out; none: no session gets it.
	Pool string `json:"pool,omitempty"`
	// Other carriers through which it may be shown.
	Presents []string `json:"presents,omitempty"`
	Region   string   `json:"region,omitempty"`
}

// NumberEvent is the schema NumberEvent of the document.
type NumberEvent struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	// Who did it: edge, operator, or the id of a key.
	Actor string `json:"actor"`
	Why   string `json:"why,omitempty"`
}

// NumberStatesInput is the schema NumberStatesInputBody of the document.
type NumberStatesInput struct {
	Numbers []string `json:"numbers"`
	// One of free, watchlisted, draining, retired.
	State string `json:"state"`
	// For the history, without numbers.
	Why string `json:"why,omitempty"`
}

// NumberWish is the schema NumberWish of the document.
type NumberWish struct {
	// 7 to 15 digits from the country code on, or a short code as 44:60123.
	Number  string   `json:"number"`
	Carrier string   `json:"carrier,omitempty"`
	Cost    string   `json:"cost,omitempty"`
	Country string   `json:"country,omitempty"`
	Flags   []string `json:"flags,omitempty"`
	// One of long_code, short_code, toll_free.
	Kind     string   `json:"kind,omitempty"`
	Pool     string   `json:"pool,omitempty"`
	Presents []string `json:"presents,omitempty"`
	Region   string   `json:"region,omitempty"`
	// One of sms, voice, sms+voice.
	Services string `json:"services,omitempty"`
	// One of free, held, quarantined, watchlisted, draining, retired.
	State string `json:"state,omitempty"`
}

// OAuthError is the schema OAuthError of the document.
type OAuthError struct {
	// The kind of error. One of invalid_request, invalid_client, unsupported_grant_type, invalid_scope, temporarily_unavailable, server_error.
	Error string `json:"error"`
	// What was expected.
	ErrorDescription string `json:"error_description,omitempty"`
}

// Participant is the schema Participant of the document.
type Participant struct {
	// The mask that this person writes to and calls.
	Dial string `json:"dial"`
	// The person's own number, redacted unless the key has pii:read.
	Number string `json:"number,omitempty"`
	// Another mask that works too, hosted by another carrier.
	Second string `json:"second,omitempty"`
	// Where the person is reached, if not at the number.
	To string `json:"to,omitempty"`
}

// Person is the schema Person of the document.
type Person struct {
	// Where the mask that this person dials should be from.
	MaskRegion *MaskRegion `json:"mask_region,omitempty"`
	// The person's own number: a plus and 7 to 15 digits.
	Number string `json:"number,omitempty"`
	// Where the person is reached, if not at the number: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT] of your own.
	To string `json:"to,omitempty"`
}

// Pool is the schema Pool of the document.
type Pool struct {
	Name string `json:"name"`
	// One of rotate, prefer-sticky, avoid-sticky, pinned.
	Selection string `json:"selection"`
	// For so many seconds a mask that has ended for a person is kept from this person.
	Quarantine int64 `json:"quarantine"`
	// Most people with one mask at a time.
	PartiesPerMask int64 `json:"parties_per_mask"`
	// Life in seconds of a session that names none.
	TTL    int64 `json:"ttl"`
	MinTTL int64 `json:"min_ttl"`
	// Extensions included.
	MaxTTL int64 `json:"max_ttl"`
	// A session ends after so many seconds without contact; 0: never.
	IdleTTL int64 `json:"idle_ttl"`
	// A session ends after so many messages and calls; 0: never.
	MaxUses int64 `json:"max_uses"`
	// Each side also gets a mask that another carrier hosts.
	Second bool `json:"second"`
	// How many in which state; for who owns the pool.
	Masks map[string]int64 `json:"masks,omitempty"`
	// Who alone may use it; none: everybody.
	Tenant string `json:"tenant,omitempty"`
}

// PoolHealth is the schema PoolHealth of the document.
type PoolHealth struct {
	// People with a mask of it.
	Live int64 `json:"live"`
	// People from whom a mask is kept for a time.
	Kept int64 `json:"kept"`
	// Masks that everybody may dial.
	Public int64 `json:"public"`
	// People with one free mask: the fewest.
	LoadMin int64 `json:"load_min"`
	// On average.
	LoadAvg float64 `json:"load_avg"`
	// The most.
	LoadMax int64 `json:"load_max"`
	// Masks that were needed at most in this hour.
	Need float64 `json:"need"`
	// Requests that got no mask, by reason.
	Exhausted map[string]int64 `json:"exhausted"`
	// By the present trend; none: it will not be, or that is not known.
	DaysToExhaustion float64 `json:"days_to_exhaustion,omitempty"`
	// Seconds before a person got the same mask again, the shortest of late.
	ReuseDistance int64 `json:"reuse_distance,omitempty"`
}

// PoolPolicy is the schema PoolPolicy of the document.
type PoolPolicy struct {
	// Seconds.
	IdleTTL *int64 `json:"idle_ttl,omitempty"`
	// Seconds.
	MaxTTL  *int64 `json:"max_ttl,omitempty"`
	MaxUses *int64 `json:"max_uses,omitempty"`
	// Seconds.
	MinTTL         *int64 `json:"min_ttl,omitempty"`
	PartiesPerMask *int64 `json:"parties_per_mask,omitempty"`
	// Seconds.
	Quarantine *int64 `json:"quarantine,omitempty"`
	Second     *bool  `json:"second,omitempty"`
	// One of rotate, prefer-sticky, avoid-sticky, pinned.
	Selection *string `json:"selection,omitempty"`
	// Who alone may use it; empty: everybody.
	Tenant *string `json:"tenant,omitempty"`
	// Seconds.
	TTL *int64 `json:"ttl,omitempty"`
}

// Problem is the schema Problem of the document.
type Problem struct {
	// URI of the kind of problem; GET tells of it.
	Type string `json:"type"`
	// What has happened, in a sentence.
	Title string `json:"title"`
	// HTTP status.
	Status int64 `json:"status"`
	// The kind of problem, for programs.
	Code string `json:"code"`
	// The same as in the field X-Request-Id: name it to the operator.
	RequestID string `json:"request_id"`
	// More of this occurrence.
	Detail string `json:"detail,omitempty"`
	// Faults of fields, all that were found.
	Errors []Field `json:"errors,omitempty"`
	// What to do first.
	NextStep string `json:"next_step,omitempty"`
	// Why, in a word.
	Reason string `json:"reason,omitempty"`
	// Try again after so many seconds.
	RetryAfter int64 `json:"retry_after,omitempty"`
	// Pools that would do instead.
	SuggestedPools []string `json:"suggested_pools,omitempty"`
}

// Quota is the schema Quota of the document.
type Quota struct {
	// The most; none: no limit.
	Limit int64 `json:"limit,omitempty"`
	// What it has, where there is a limit.
	Used int64 `json:"used,omitempty"`
}

// Received is the schema Received of the document.
type Received struct {
	// The mask that the person sees.
	From string `json:"from"`
	// The person.
	To string `json:"to"`
	// Of a long message one segment.
	Text string `json:"text"`
	// Which of the simulated carriers took it.
	Carrier string `json:"carrier"`
	// By the clock of the sandbox.
	At time.Time `json:"at"`
	// false
	Livemode bool `json:"livemode"`
}

// ReleaseInput is the schema ReleaseInputBody of the document.
type ReleaseInput struct {
	// spam and ban put the number on the watchlist. One of done, spam, ban.
	Reason string `json:"reason,omitempty"`
}

// ReleaseNumberInput is the schema ReleaseNumberInputBody of the document.
type ReleaseNumberInput struct {
	// The lease.
	ID string `json:"id"`
	// spam and ban put the number on the watchlist. One of done, spam, ban.
	Reason string `json:"reason,omitempty"`
}

// ReplayAnswer is the schema ReplayAnswer of the document.
type ReplayAnswer struct {
	// How many are posted again. At most 1,000 at a time.
	Events int64 `json:"events"`
}

// Restriction is the schema Restriction of the document.
type Restriction struct {
	Since time.Time `json:"since"`
	// Of a block: at this mask; none: at every one.
	Mask string `json:"mask,omitempty"`
	// The person's, redacted unless the key has pii:read; none: everybody.
	Number string `json:"number,omitempty"`
	// Of an opt-out: the other end of one conversation; none: all of the tenant.
	Peer string `json:"peer,omitempty"`
	// Whose; none: the operator's own, a block of all.
	Tenant string `json:"tenant,omitempty"`
}

// RestrictionInput is the schema RestrictionInputBody of the document.
type RestrictionInput struct {
	// Of a block.
	Mask string `json:"mask,omitempty"`
	// The person's.
	Number string `json:"number,omitempty"`
	// Whose; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
}

// RotateKeyInput is the schema RotateKeyInputBody of the document.
type RotateKeyInput struct {
	// The old key ends after so many seconds; without it, at once.
	Overlap int64 `json:"overlap,omitempty"`
}

// ScorePoint is the schema ScorePoint of the document.
type ScorePoint struct {
	// The rule.
	Rule string `json:"rule"`
	// What it adds.
	Points int64 `json:"points"`
	// What it counted in the last hour.
	Count int64 `json:"count"`
	// What passes without points.
	Limit int64 `json:"limit"`
}

// SearchConsentsInput is the schema SearchConsentsInputBody of the document.
type SearchConsentsInput struct {
	// The person's own number: a plus and 7 to 15 digits.
	Number string `json:"number"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// Those alone that were not withdrawn.
	Standing bool `json:"standing,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
}

// SearchSessionsInput is the schema SearchSessionsInputBody of the document.
type SearchSessionsInput struct {
	// The person's own number.
	Number string `json:"number"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// Those alone that have not ended.
	Live bool `json:"live,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
}

// Secret is the schema Secret of the document.
type Secret struct {
	// v1: HMAC-SHA256; v1a: ed25519. One of v1, v1a.
	Scheme string `json:"scheme"`
	// It signs until then.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// whpk_…, of v1a.
	PublicKey string `json:"public_key,omitempty"`
	// whsec_…: keep it, it is not shown again.
	Secret string `json:"secret,omitempty"`
}

// SendMessageInput is the schema SendMessageInputBody of the document.
type SendMessageInput struct {
	// Number of the participant who writes, with +. The other one gets the message from the mask by which it knows this one.
	From string `json:"from"`
	// What it says. It is not kept.
	Text string `json:"text"`
}

// Session is the schema Session of the document.
type Session struct {
	// Such as ses_0d2k9x4m1qz7c.
	ID string `json:"id"`
	// Where its masks are from.
	Pool string `json:"pool"`
	// How it gives out masks. One of per_side, shared, group, public, lease.
	Shape string `json:"shape"`
	// active, or why it ended. One of active, expired, released, idle, used_up, burned, rotated.
	State string `json:"state"`
	// What it carries. One of sms, voice, sms+voice.
	Services string `json:"services"`
	// Its people.
	Participants []Participant `json:"participants"`
	CreatedAt    time.Time     `json:"created_at"`
	// When its masks stop, or stopped.
	ExpiresAt time.Time `json:"expires_at"`
	// false: of the sandbox.
	Livemode bool `json:"livemode"`
	// It ends after so many seconds without contact; none: never.
	IdleTTL int64 `json:"idle_ttl,omitempty"`
	// Your own name for it.
	Label string `json:"label,omitempty"`
	// It ends after so many messages and calls; none: never.
	MaxUses int64 `json:"max_uses,omitempty"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// SessionRequest is the schema SessionRequest of the document.
type SessionRequest struct {
	// Where the masks are from.
	Pool string `json:"pool"`
	// Its people: two, or more in a group.
	Participants []Person `json:"participants"`
	// End after so many seconds without contact; without it, as the pool says.
	IdleTTL int64 `json:"idle_ttl,omitempty"`
	// Your own name for it.
	Label string `json:"label,omitempty"`
	// End after so many messages and calls; without it, as the pool says.
	MaxUses int64 `json:"max_uses,omitempty"`
	// How masks are chosen for people who have met before; without it, as the pool says. One of rotate, prefer-sticky, avoid-sticky, pinned.
	Selection string `json:"selection,omitempty"`
	// What it carries; without it, both. One of sms, voice, sms+voice.
	Services string `json:"services,omitempty"`
	// per_side: each has a mask for the other. shared: both have the same one. group: all have. public: everybody may dial the mask of the one participant. One of per_side, shared, group, public.
	Shape string `json:"shape,omitempty"`
	// Whose session; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
	// Its life in seconds; without it, as the pool says.
	TTL int64 `json:"ttl,omitempty"`
}

// Spending is the schema Spending of the document.
type Spending struct {
	// In a day of UTC.
	Limit string `json:"limit"`
	// Today, with what other edges have told.
	Spent string `json:"spent"`
}

// StartInput is the schema StartInputBody of the document.
type StartInput struct {
	WorkflowID string `json:"workflow_id"`
	// The number, with +.
	To string `json:"to"`
	// Digits of the code; none: as the workflow says.
	CodeLength int64 `json:"code_length,omitempty"`
	// Seconds that the first code is good for; none: as the workflow says.
	TTL int64 `json:"ttl,omitempty"`
}

// Statistics is the schema Statistics of the document.
type Statistics struct {
	Since time.Time        `json:"since"`
	Until time.Time        `json:"until"`
	Total VerificationsSum `json:"total"`
	// By calling code and three digits more.
	Prefixes []VerificationsSum `json:"prefixes"`
}

// Step is the schema Step of the document.
type Step struct {
	At time.Time `json:"at"`
	// One of sending, submitted, delivered, undelivered, expired, rejected, unknown, verified.
	Status string `json:"status"`
	// The message that it is about.
	MessageID string `json:"message_id,omitempty"`
}

// TestAnswer is the schema TestAnswer of the document.
type TestAnswer struct {
	// Of the event, which stands in no list.
	EventID string `json:"event_id"`
	OK      bool   `json:"ok"`
	// One of ok, status, redirect, gone, throttled, timeout, name, address, tls, connection, cancelled.
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds"`
	Status  int64   `json:"status,omitempty"`
}

// TypedCodeInput is the schema TypedCodeInputBody of the document.
type TypedCodeInput struct {
	VerificationID string `json:"verification_id"`
	// What the person has typed in.
	Code string `json:"code"`
}

// Usage is the schema Usage of the document.
type Usage struct {
	// In the order of days and tenants; at most 10,000.
	Data []Day `json:"data"`
	// Where the tenant has a limit: tenants[].spend_day.
	Today *Spending `json:"today,omitempty"`
}

// Verification is the schema Verification of the document.
type Verification struct {
	// Such as ver_0d2k9x4m1qz7c.
	ID         string `json:"id"`
	WorkflowID string `json:"workflow_id"`
	// The number, redacted unless the key has pii:read.
	To string `json:"to"`
	// How far it has come. One of pending, verified, failed, expired.
	Status string `json:"status"`
	// One of sms.
	Channel    string `json:"channel"`
	CodeLength int64  `json:"code_length"`
	CodesSent  int64  `json:"codes_sent"`
	// Guesses that are left.
	AttemptsLeft int64     `json:"attempts_left"`
	CreatedAt    time.Time `json:"created_at"`
	// The code is worth nothing from then on.
	ExpiresAt time.Time `json:"expires_at"`
	// What has happened, oldest first.
	Timeline []Step `json:"timeline"`
	// false: of the sandbox.
	Livemode bool `json:"livemode"`
	// When a new code can be asked for; none: no more.
	ResendAfter time.Time `json:"resend_after,omitzero"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// VerificationsSum is the schema VerificationsSum of the document.
type VerificationsSum struct {
	Started  int64 `json:"started"`
	Verified int64 `json:"verified"`
	// Whose attempts were used up.
	Failed int64 `json:"failed"`
	// Part of those started that were verified.
	Conversion float64 `json:"conversion"`
	// Mean of those verified.
	SecondsToVerify   float64 `json:"seconds_to_verify"`
	VerifiedWithin10s int64   `json:"verified_within_10s"`
	VerifiedWithin30s int64   `json:"verified_within_30s"`
	VerifiedWithin1m  int64   `json:"verified_within_1m"`
	VerifiedWithin5m  int64   `json:"verified_within_5m"`
	Prefix            string  `json:"prefix,omitempty"`
}

// Workflow is the schema Workflow of the document.
type Workflow struct {
	// Such as wfl_0d2k9x4m1qz7c.
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Template   string   `json:"template"`
	Channels   []string `json:"channels"`
	CodeLength int64    `json:"code_length"`
	// Seconds that a code is good for.
	TTL int64 `json:"ttl"`
	// Guesses for one verification.
	Attempts int64 `json:"attempts"`
	// Codes for one verification.
	Codes     int64     `json:"codes"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// The pool of the masks that write.
	Pool string `json:"pool,omitempty"`
	// The mask that writes.
	Sender string `json:"sender,omitempty"`
	// Whose it is; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// WorkflowInput is the schema WorkflowBody of the document.
type WorkflowInput struct {
	// Your own, one of a kind.
	Name string `json:"name"`
	// The message, with {code} in it. With a code of 10 digits it has to fit into one short message of the GSM alphabet.
	Template string `json:"template"`
	// Guesses for one verification.
	Attempts int64 `json:"attempts,omitempty"`
	// By which codes are sent, in order; there is sms. None: sms.
	Channels []string `json:"channels,omitempty"`
	// Digits of a code.
	CodeLength int64 `json:"code_length,omitempty"`
	// Codes for one verification.
	Codes int64 `json:"codes,omitempty"`
	// The pool of the masks that write.
	Pool string `json:"pool,omitempty"`
	// The mask that writes; none: one of the pool.
	Sender string `json:"sender,omitempty"`
	// Seconds that a code is good for.
	TTL int64 `json:"ttl,omitempty"`
}

// Written is the schema Written of the document.
type Written struct {
	Written int64 `json:"written"`
}

// CreateWorkflowQuery narrows what CreateWorkflow does; what is left out is not sent.
type CreateWorkflowQuery struct {
	// Of keys of the operator: whose it is to be; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// DeleteWebhookEndpointQuery narrows what DeleteWebhookEndpoint does; what is left out is not sent.
type DeleteWebhookEndpointQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// GetWebhookEndpointQuery narrows what GetWebhookEndpoint does; what is left out is not sent.
type GetWebhookEndpointQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// ListAuditQuery narrows what ListAudit does; what is left out is not sent.
type ListAuditQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
	// Of this subject, such as the id of a session.
	Subject string `json:"subject,omitempty"`
}

// ListCallsQuery narrows what ListCalls does; what is left out is not sent.
type ListCallsQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
}

// ListConsentsQuery narrows what ListConsents does; what is left out is not sent.
type ListConsentsQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
	// Those alone that were not withdrawn.
	Standing bool `json:"standing,omitempty"`
}

// ListEventsQuery narrows what ListEvents does; what is left out is not sent.
type ListEventsQuery struct {
	// The id of the last event that you have; none: the oldest that is kept, of a stream what comes from now on.
	After string `json:"after,omitempty"`
	// Most events of the answer; not of a stream.
	Limit int64 `json:"limit,omitempty"`
	// Whose events, for keys of the operator; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// ListKeysQuery narrows what ListKeys does; what is left out is not sent.
type ListKeysQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
}

// ListLeasesQuery narrows what ListLeases does; what is left out is not sent.
type ListLeasesQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
	// Those alone that have not ended.
	Live bool `json:"live,omitempty"`
}

// ListMessagesQuery narrows what ListMessages does; what is left out is not sent.
type ListMessagesQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
}

// ListNumbersQuery narrows what ListNumbers does; what is left out is not sent.
type ListNumbersQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Of this pool.
	Pool string `json:"pool,omitempty"`
	// In this state. One of free, held, quarantined, watchlisted, draining, retired.
	State string `json:"state,omitempty"`
	// Of this country, such as GB.
	Country string `json:"country,omitempty"`
}

// ListPoolsQuery narrows what ListPools does; what is left out is not sent.
type ListPoolsQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
}

// ListSessionsQuery narrows what ListSessions does; what is left out is not sent.
type ListSessionsQuery struct {
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
	// Those alone that have not ended.
	Live bool `json:"live,omitempty"`
}

// ListWebhookDeliveriesQuery narrows what ListWebhookDeliveries does; what is left out is not sent.
type ListWebhookDeliveriesQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
	// Most entries of the answer.
	Limit int64 `json:"limit,omitempty"`
	// next_cursor of the answer before.
	Cursor string `json:"cursor,omitempty"`
}

// ListWebhookEndpointsQuery narrows what ListWebhookEndpoints does; what is left out is not sent.
type ListWebhookEndpointsQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// ReadUsageQuery narrows what ReadUsage does; what is left out is not sent.
type ReadUsageQuery struct {
	// The first day, of UTC; none: 30 days before the last one.
	From string `json:"from,omitempty"`
	// The last day; none: today.
	To string `json:"to,omitempty"`
	// Of this tenant; for the operator's keys.
	Tenant string `json:"tenant,omitempty"`
}

// ReplayWebhookEventsQuery narrows what ReplayWebhookEvents does; what is left out is not sent.
type ReplayWebhookEventsQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// RotateWebhookSecretQuery narrows what RotateWebhookSecret does; what is left out is not sent.
type RotateWebhookSecretQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// TestWebhookEndpointQuery narrows what TestWebhookEndpoint does; what is left out is not sent.
type TestWebhookEndpointQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// UpdateWebhookEndpointQuery narrows what UpdateWebhookEndpoint does; what is left out is not sent.
type UpdateWebhookEndpointQuery struct {
	// For keys of the operator: whose; none: the operator's own.
	Tenant string `json:"tenant,omitempty"`
}

// VerificationStatisticsQuery narrows what VerificationStatistics does; what is left out is not sent.
type VerificationStatisticsQuery struct {
	// How many hours back.
	Hours int64 `json:"hours,omitempty"`
}
