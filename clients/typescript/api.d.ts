// Generated from the OpenAPI document by go test ./cmd/maskline -run TestClients -update.
import type { List, Options } from "./client.js";

export interface About {
  /** The code. */
  code: string;
  /** HTTP status. */
  status: number;
  /** What has happened, in a sentence. */
  title: string;
}

export interface AccessToken {
  /** For the field Authorization: Bearer. */
  access_token: string;
  token_type: "Bearer";
  /** Seconds. */
  expires_in: number;
  /** What it may, divided by spaces. */
  scope: string;
}

export interface AdvanceInput {
  /** By so many seconds. */
  seconds: number;
}

export interface AuditLine {
  /** Such as aud_0d2k9x4m1qz7c. */
  id: string;
  /** Its place in the chain, from 1. */
  place: number;
  /** When. */
  at: string;
  /** The edge that did it. */
  node: string;
  /** Who: the id of a key, operator for the command line, edge for the edge itself. */
  actor: string;
  /** What was done, such as session.created. */
  what: string;
  /** Keyed hash of the line, its place and the hash of the line before. */
  hash: string;
  /** A few words more. */
  detail?: string;
  /** What it was done to: an id, a name or a mask. */
  subject?: string;
  /** Whose; none: the operator's. */
  tenant?: string;
}

export interface Call {
  /** Such as cal_0d2k9x4m1qz7c. */
  id: string;
  /** Whose participants are called. */
  session: string;
  /** calling: the first person is called. ringing: the first person's phone rings. connecting: the first person has answered, and the second is called. */
  state: "calling" | "ringing" | "connecting" | "connected" | "ended";
  created_at: string;
  /** When the first person answered. */
  answered_at?: string;
  /** When the two could talk. */
  connected_at?: string;
  ended_at?: string;
  /** Of a call that ended before the two could talk: who was being called. */
  leg?: "first" | "second";
  /** Of a call that has ended. unknown: the edge ended without telling. */
  outcome?: "completed" | "no_answer" | "busy" | "declined" | "unreachable" | "cancelled" | "refused" | "failed" | "unknown";
  /** Of a call that has ended: the word of the call records. */
  reason?: string;
  /** From connected_at to ended_at. */
  seconds?: number;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
}

export interface CallAnswer {
  answered: boolean;
  /** The caller has heard the other side: media went through. */
  heard: boolean;
  /** From the call to its answer or refusal. */
  setup_seconds: number;
  /** false */
  livemode: boolean;
  /** SIP code by which it was not answered. */
  code?: number;
}

export interface CallInput {
  /** Who calls, with +: a number of a range for fiction. */
  from: string;
  /** The mask, with +. */
  to: string;
  /** How long they talk, where it is answered. */
  seconds?: number;
}

export interface Called {
  /** The mask that the person sees. */
  from: string;
  /** The person. */
  to: string;
  /** Which of the simulated carriers had it. */
  carrier: string;
  /** By the clock of the sandbox. */
  at: string;
  /** false */
  livemode: boolean;
}

export interface Carrier {
  carrier: string;
  service: "sms" | "voice";
  /** Whether anything may be sent there. */
  up: boolean;
  /** closed, open, or half_open: one try at a time. */
  breaker: string;
}

export interface Changed {
  changed: number;
}

export interface CheckInput {
  /** What the person has typed in. */
  code: string;
}

export interface Checked {
  success: boolean;
  attempts_left: number;
  /** What to do now. */
  next_step: "continue";
}

export interface ClockTime {
  now: string;
  /** false */
  livemode: boolean;
}

export interface Consent {
  /** Such as con_0d2k9x4m1qz7c. */
  id: string;
  /** Who has agreed, redacted unless the key has pii:read. */
  number: string;
  /** The text that was shown. */
  text: string;
  /** How the person agreed. */
  method: string;
  /** When. */
  given_at: string;
  /** Towards whom; none: the operator's own. */
  tenant?: string;
  /** When it was withdrawn; none: it stands. */
  withdrawn_at?: string;
  /** What for; none: whatever the tenant does. */
  workflow?: string;
}

export interface ConsentInput {
  /** The person's own number: a plus and 7 to 15 digits. */
  number: string;
  /** The text that the person was shown. */
  text: string;
  /** How the person agreed, such as checkbox, sms or call. */
  method: string;
  /** When, not in the future; none: now. */
  given_at?: string;
  /** Towards whom, for the operator's keys; none: the operator's own. */
  tenant?: string;
  /** What for; none: whatever the tenant does. */
  workflow?: string;
}

export interface CreateCallInput {
  /** Number of the participant who is called first, with +; without it, the first participant of the session. */
  first?: string;
  /** Seconds for which each phone may ring; without it, as the operator has it. */
  ring?: number;
}

export interface CreatePoolInput {
  /** Letters, digits, dots, dashes and underscores. */
  name: string;
  /** Seconds. */
  idle_ttl?: number;
  /** Seconds. */
  max_ttl?: number;
  max_uses?: number;
  /** Seconds. */
  min_ttl?: number;
  parties_per_mask?: number;
  /** Seconds. */
  quarantine?: number;
  second?: boolean;
  selection?: "rotate" | "prefer-sticky" | "avoid-sticky" | "pinned";
  /** Who alone may use it; empty: everybody. */
  tenant?: string;
  /** Seconds. */
  ttl?: number;
}

export interface Day {
  /** Of UTC. */
  day: string;
  /** Messages that were taken; of long ones each segment. */
  messages: number;
  /** Calls that were answered. */
  calls: number;
  /** How long they lasted. */
  seconds: number;
  /** By the costs of the carriers: a unit for each message, one for each minute begun. */
  cost: string;
  /** Whose traffic; none: the operator's own. */
  tenant?: string;
}

export interface DeliveryAttempt {
  carrier: string;
  outcome: "accepted" | "refused" | "no_answer";
  /** SMPP command_status of a refusal, such as 0x00000058. */
  status?: string;
}

export interface DeliveryStatus {
  id: string;
  /** Delivered is what the network has confirmed, and nothing less. */
  state: "accepted" | "submitted" | "delivered" | "undelivered" | "expired" | "rejected" | "unknown";
  /** The state will not change any more. */
  final: boolean;
  /** Attempts to hand it to carriers. */
  attempts: DeliveryAttempt[];
  updated_at: string;
  /** That has it, or may have it. */
  carrier?: string;
  /** The network's error code. */
  carrier_code?: string;
  /** Short messages that it takes on the air. */
  segments?: number;
}

export interface DeliveryStatusInput {
  /** Such as msg_0d2k9x4m1qz7c. */
  message_id: string;
}

export interface Endpoint {
  /** Such as whk_0d2k9x4m1qz7c. */
  id: string;
  /** Where events are posted to. */
  url: string;
  /** Types of events; none: all. */
  types: string[];
  /** gone: it has answered 410, and is posted nothing until it is enabled. */
  state: "enabled" | "disabled" | "gone";
  created_at: string;
  /** What signs; during a rotation more than one. */
  secrets: Secret[];
  /** Your own name for it. */
  label?: string;
  /** Whose events it is posted; none: the operator's own. */
  tenant?: string;
}

export interface EndpointChangeInput {
  /** One that is enabled again is posted what comes from then on. */
  enabled?: boolean;
  label?: string;
  types?: ("session.created" | "session.closed" | "session.expired" | "participant.added" | "lease.created" | "lease.rotated" | "lease.released" | "lease.burned" | "lease.expired" | "number.watchlisted" | "number.quarantined" | "number.available" | "pool.exhausted" | "pool.low" | "call.ringing" | "call.answered" | "call.blocked" | "call.ended" | "call.missed" | "message.inbound" | "message.status" | "message.blocked" | "out_of_session.message" | "out_of_session.call" | "optout.created" | "optout.removed" | "verification.sent" | "verification.status" | "verification.succeeded" | "verification.failed" | "carrier.up" | "carrier.down" | "quota.warning" | "quota.reached" | "abuse.detected" | "abuse.suspended" | "abuse.third_party_code" | "webhook.disabled")[];
  url?: string;
}

export interface EndpointDelivery {
  event_id: string;
  type: string;
  state: "waiting" | "delivered" | "given_up";
  attempts: number;
  /** How the last attempt went, in a word or two. */
  outcome: string;
  /** Time that the last attempt took. */
  seconds: number;
  attempted_at?: string;
  next_attempt_at?: string;
  session_id?: string;
  /** HTTP status of the last attempt; none: there was no answer. */
  status?: number;
}

export interface EndpointInput {
  /** https, without a user or a fragment. Private addresses are refused unless the operator allows them. */
  url: string;
  /** Your own name for it. */
  label?: string;
  /** How its posts are signed. */
  scheme?: "v1" | "v1a";
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
  /** Types of events; none: all. */
  types?: ("session.created" | "session.closed" | "session.expired" | "participant.added" | "lease.created" | "lease.rotated" | "lease.released" | "lease.burned" | "lease.expired" | "number.watchlisted" | "number.quarantined" | "number.available" | "pool.exhausted" | "pool.low" | "call.ringing" | "call.answered" | "call.blocked" | "call.ended" | "call.missed" | "message.inbound" | "message.status" | "message.blocked" | "out_of_session.message" | "out_of_session.call" | "optout.created" | "optout.removed" | "verification.sent" | "verification.status" | "verification.succeeded" | "verification.failed" | "carrier.up" | "carrier.down" | "quota.warning" | "quota.reached" | "abuse.detected" | "abuse.suspended" | "abuse.third_party_code" | "webhook.disabled")[];
}

export interface EndpointReplayInput {
  /** This event, whatever became of it. */
  event_id?: string;
  /** Those that were given up, or wait, of events not before. */
  since?: string;
}

export interface EndpointRotationInput {
  /** For so many seconds both sign. */
  overlap?: number;
  /** Of the new one. */
  scheme?: "v1" | "v1a";
}

export interface Event {
  id: string;
  type: string;
  timestamp: string;
  livemode: boolean;
  data: unknown;
  sequence?: number;
}

export interface EventList {
  /** The events, in their order. */
  data: Event[];
  /** There are more after the last one. */
  more: boolean;
}

export interface ExtendSessionInput {
  /** Its life in seconds from now. */
  ttl: number;
}

export interface Field {
  /** Where, such as body.participants[0].number. */
  field: string;
  /** What was expected there. */
  problem: string;
}

export interface ImportNumbersInput {
  numbers: NumberWish[];
  /** Of those that name none. */
  pool?: string;
}

export interface InboundAnswer {
  /** The edge has taken the message. */
  accepted: boolean;
  /** SMPP command_status of its answer to the carrier, such as 0x00000000. */
  status: string;
  /** false */
  livemode: boolean;
}

export interface InboundInput {
  /** Who writes, with +: a number of a range for fiction. */
  from: string;
  /** The mask, with +. */
  to: string;
  /** What it says. */
  text: string;
}

export interface Key {
  /** Such as key_0d2k9x4m1qz7c. */
  id: string;
  /** How the text begins. */
  begins: string;
  role: "owner" | "operator" | "integrator" | "auditor" | "read-only";
  scopes: string[];
  state: "active" | "suspended" | "expired" | "revoked";
  /** false: of the sandbox. */
  livemode: boolean;
  created_at: string;
  /** None: never. */
  expires_at?: string;
  /** The text, in the answer to its making alone. */
  key?: string;
  label?: string;
  /** To about half a minute; none: never. */
  last_used_at?: string;
  revoked_at?: string;
  /** Whose; none: the operator's. */
  tenant?: string;
}

export interface KeyRequest {
  /** What it may at most. */
  role: "owner" | "operator" | "integrator" | "auditor" | "read-only";
  /** Its life in seconds; without it, until it is revoked. */
  expires_in?: number;
  /** Your own name for it, without numbers. */
  label?: string;
  /** What it may; without it, all of the role but pii:read. */
  scopes?: string[];
  /** Whose. A tenant's key makes keys of its tenant; the operator's, without one, the operator's. */
  tenant?: string;
  /** A key of the tenant's sandbox. A key of the sandbox makes no other. */
  test?: boolean;
}

export interface Lease {
  /** Such as ses_0d2k9x4m1qz7c: a lease is a session too. */
  id: string;
  /** Where the number is from. */
  pool: string;
  /** The leased number. */
  number: string;
  /** Where it leads, redacted unless the key has pii:read. */
  to: string;
  /** active, or why it ended. */
  state: "active" | "expired" | "released" | "idle" | "used_up" | "burned" | "rotated";
  /** What it carries. */
  services: "sms" | "voice" | "sms+voice";
  created_at: string;
  /** When it stops, or stopped. */
  expires_at: string;
  /** false: of the sandbox. */
  livemode: boolean;
  /** It ends after so many seconds without contact; none: never. */
  idle_ttl?: number;
  /** Your own name for it. */
  label?: string;
  /** It ends after so many messages and calls; none: never. */
  max_uses?: number;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
}

export interface LeaseRequest {
  /** Where the number is from. */
  pool: string;
  /** Where it leads: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT] of your own. */
  to: string;
  /** Of an account or a peer, the number that it answers strangers from; without it, it cannot. */
  answers_from?: string;
  /** End after so many seconds without contact; without it, as the pool says. */
  idle_ttl?: number;
  /** Your own name for it. */
  label?: string;
  /** End after so many messages and calls; without it, as the pool says. */
  max_uses?: number;
  /** Where the number should be from. */
  region?: MaskRegion;
  /** What it carries; without it, sms towards an account and both else. */
  services?: "sms" | "voice" | "sms+voice";
  /** Whose lease; for the operator's keys. */
  tenant?: string;
  /** Its life in seconds; without it, as the pool says. */
  ttl?: number;
}

export interface Limit {
  /** The key that asks. */
  key: string;
  /** Live sessions, leases among them. */
  sessions: Quota;
  /** Masks that nobody else has meanwhile: of live leases and public sessions. */
  masks: Quota;
  /** Countries that participants may be of; none: all. */
  regions: string[];
  /** Whether participants need a consent. */
  consents_required: boolean;
  /** Points of what the key did in the last hour. */
  score: number;
  /** What the points are for. */
  because: ScorePoint[];
  /** Requests per second of the key; none: no limit. */
  rps?: number;
  /** Points from which nothing new is given out; none: never. */
  step_up_at?: number;
  /** Points from which the key is suspended; none: never. */
  suspend_at?: number;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
  /** Requests under way of all keys of the tenant; none: no limit. */
  tenant_inflight?: number;
  /** Requests per second of all keys of the tenant; none: no limit. */
  tenant_rps?: number;
  /** Points from which the key is throttled; none: never. */
  throttle_at?: number;
}

export interface MaskRegion {
  /** It has to be of this country. */
  country?: string;
  /** It begins with as many of these digits as can be had. */
  prefix?: string;
}

export interface Message {
  /** Such as msg_0d2k9x4m1qz7c. */
  id: string;
  /** The edge wrote it. */
  direction: "outbound";
  /** How far it has come. */
  state: "accepted" | "submitted" | "delivered" | "undelivered" | "expired" | "rejected" | "unknown";
  created_at: string;
  /** false: of the sandbox. */
  livemode: boolean;
  /** When its state became final. */
  ended_at?: string;
  /** Short messages that it takes on the air. */
  segments?: number;
  /** Through which it went. */
  session?: string;
  /** When a carrier had it. */
  submitted_at?: string;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
  /** Whose code it holds. */
  verification?: string;
}

export interface Number {
  /** In the form of E.164, a short code as 44:60123. */
  number: string;
  kind: "long_code" | "short_code" | "toll_free";
  services: "sms" | "voice" | "sms+voice";
  state: "free" | "held" | "quarantined" | "watchlisted" | "draining" | "retired";
  /** Of the state. */
  since: string;
  /** That hosts it; none: any. */
  carrier?: string;
  /** Per month, for your books. */
  cost?: string;
  /** ISO 3166; none: not known. */
  country?: string;
  flags?: string[];
  /** What became of it, newest first; of one mask alone. */
  history?: NumberEvent[];
  /** That shares it out; none: no session gets it. */
  pool?: string;
  /** Other carriers through which it may be shown. */
  presents?: string[];
  region?: string;
}

export interface NumberEvent {
  at: string;
  state: string;
  /** Who did it: edge, operator, or the id of a key. */
  actor: string;
  why?: string;
}

export interface NumberStatesInput {
  numbers: string[];
  state: "free" | "watchlisted" | "draining" | "retired";
  /** For the history, without numbers. */
  why?: string;
}

export interface NumberWish {
  /** 7 to 15 digits from the country code on, or a short code as 44:60123. */
  number: string;
  carrier?: string;
  cost?: string;
  country?: string;
  flags?: string[];
  kind?: "long_code" | "short_code" | "toll_free";
  pool?: string;
  presents?: string[];
  region?: string;
  services?: "sms" | "voice" | "sms+voice";
  state?: "free" | "held" | "quarantined" | "watchlisted" | "draining" | "retired";
}

export interface OAuthError {
  /** The kind of error. */
  error: "invalid_request" | "invalid_client" | "unsupported_grant_type" | "invalid_scope" | "temporarily_unavailable" | "server_error";
  /** What was expected. */
  error_description?: string;
}

export interface Participant {
  /** The mask that this person writes to and calls. */
  dial: string;
  /** The person's own number, redacted unless the key has pii:read. */
  number?: string;
  /** Another mask that works too, hosted by another carrier. */
  second?: string;
  /** Where the person is reached, if not at the number. */
  to?: string;
}

export interface Person {
  /** Where the mask that this person dials should be from. */
  mask_region?: MaskRegion;
  /** The person's own number: a plus and 7 to 15 digits. */
  number?: string;
  /** Where the person is reached, if not at the number: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT] of your own. */
  to?: string;
}

export interface Pool {
  name: string;
  selection: "rotate" | "prefer-sticky" | "avoid-sticky" | "pinned";
  /** For so many seconds a mask that has ended for a person is kept from this person. */
  quarantine: number;
  /** Most people with one mask at a time. */
  parties_per_mask: number;
  /** Life in seconds of a session that names none. */
  ttl: number;
  min_ttl: number;
  /** Extensions included. */
  max_ttl: number;
  /** A session ends after so many seconds without contact; 0: never. */
  idle_ttl: number;
  /** A session ends after so many messages and calls; 0: never. */
  max_uses: number;
  /** Each side also gets a mask that another carrier hosts. */
  second: boolean;
  /** How many in which state; for who owns the pool. */
  masks?: Record<string, number>;
  /** Who alone may use it; none: everybody. */
  tenant?: string;
}

export interface PoolHealth {
  /** People with a mask of it. */
  live: number;
  /** People from whom a mask is kept for a time. */
  kept: number;
  /** Masks that everybody may dial. */
  public: number;
  /** People with one free mask: the fewest. */
  load_min: number;
  /** On average. */
  load_avg: number;
  /** The most. */
  load_max: number;
  /** Masks that were needed at most in this hour. */
  need: number;
  /** Requests that got no mask, by reason. */
  exhausted: Record<string, number>;
  /** By the present trend; none: it will not be, or that is not known. */
  days_to_exhaustion?: number;
  /** Seconds before a person got the same mask again, the shortest of late. */
  reuse_distance?: number;
}

export interface PoolPolicy {
  /** Seconds. */
  idle_ttl?: number;
  /** Seconds. */
  max_ttl?: number;
  max_uses?: number;
  /** Seconds. */
  min_ttl?: number;
  parties_per_mask?: number;
  /** Seconds. */
  quarantine?: number;
  second?: boolean;
  selection?: "rotate" | "prefer-sticky" | "avoid-sticky" | "pinned";
  /** Who alone may use it; empty: everybody. */
  tenant?: string;
  /** Seconds. */
  ttl?: number;
}

export interface Problem {
  /** URI of the kind of problem; GET tells of it. */
  type: string;
  /** What has happened, in a sentence. */
  title: string;
  /** HTTP status. */
  status: number;
  /** The kind of problem, for programs. */
  code: string;
  /** The same as in the field X-Request-Id: name it to the operator. */
  request_id: string;
  /** More of this occurrence. */
  detail?: string;
  /** Faults of fields, all that were found. */
  errors?: Field[];
  /** What to do first. */
  next_step?: string;
  /** Why, in a word. */
  reason?: string;
  /** Try again after so many seconds. */
  retry_after?: number;
  /** Pools that would do instead. */
  suggested_pools?: string[];
}

export interface Quota {
  /** The most; none: no limit. */
  limit?: number;
  /** What it has, where there is a limit. */
  used?: number;
}

export interface Received {
  /** The mask that the person sees. */
  from: string;
  /** The person. */
  to: string;
  /** Of a long message one segment. */
  text: string;
  /** Which of the simulated carriers took it. */
  carrier: string;
  /** By the clock of the sandbox. */
  at: string;
  /** false */
  livemode: boolean;
}

export interface ReleaseInput {
  /** spam and ban put the number on the watchlist. */
  reason?: "done" | "spam" | "ban";
}

export interface ReleaseNumberInput {
  /** The lease. */
  id: string;
  /** spam and ban put the number on the watchlist. */
  reason?: "done" | "spam" | "ban";
}

export interface ReplayAnswer {
  /** How many are posted again. At most 1,000 at a time. */
  events: number;
}

export interface Restriction {
  since: string;
  /** Of a block: at this mask; none: at every one. */
  mask?: string;
  /** The person's, redacted unless the key has pii:read; none: everybody. */
  number?: string;
  /** Of an opt-out: the other end of one conversation; none: all of the tenant. */
  peer?: string;
  /** Whose; none: the operator's own, a block of all. */
  tenant?: string;
}

export interface RestrictionInput {
  /** Of a block. */
  mask?: string;
  /** The person's. */
  number?: string;
  /** Whose; for the operator's keys. */
  tenant?: string;
}

export interface RotateKeyInput {
  /** The old key ends after so many seconds; without it, at once. */
  overlap?: number;
}

export interface ScorePoint {
  /** The rule. */
  rule: string;
  /** What it adds. */
  points: number;
  /** What it counted in the last hour. */
  count: number;
  /** What passes without points. */
  limit: number;
}

export interface SearchConsentsInput {
  /** The person's own number: a plus and 7 to 15 digits. */
  number: string;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Most entries of the answer. */
  limit?: number;
  /** Those alone that were not withdrawn. */
  standing?: boolean;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
}

export interface SearchSessionsInput {
  /** The person's own number. */
  number: string;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Most entries of the answer. */
  limit?: number;
  /** Those alone that have not ended. */
  live?: boolean;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
}

export interface Secret {
  /** v1: HMAC-SHA256; v1a: ed25519. */
  scheme: "v1" | "v1a";
  /** It signs until then. */
  expires_at?: string;
  /** whpk_…, of v1a. */
  public_key?: string;
  /** whsec_…: keep it, it is not shown again. */
  secret?: string;
}

export interface SendMessageInput {
  /** Number of the participant who writes, with +. The other one gets the message from the mask by which it knows this one. */
  from: string;
  /** What it says. It is not kept. */
  text: string;
}

export interface Session {
  /** Such as ses_0d2k9x4m1qz7c. */
  id: string;
  /** Where its masks are from. */
  pool: string;
  /** How it gives out masks. */
  shape: "per_side" | "shared" | "group" | "public" | "lease";
  /** active, or why it ended. */
  state: "active" | "expired" | "released" | "idle" | "used_up" | "burned" | "rotated";
  /** What it carries. */
  services: "sms" | "voice" | "sms+voice";
  /** Its people. */
  participants: Participant[];
  created_at: string;
  /** When its masks stop, or stopped. */
  expires_at: string;
  /** false: of the sandbox. */
  livemode: boolean;
  /** It ends after so many seconds without contact; none: never. */
  idle_ttl?: number;
  /** Your own name for it. */
  label?: string;
  /** It ends after so many messages and calls; none: never. */
  max_uses?: number;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
}

export interface SessionRequest {
  /** Where the masks are from. */
  pool: string;
  /** Its people: two, or more in a group. */
  participants: Person[];
  /** End after so many seconds without contact; without it, as the pool says. */
  idle_ttl?: number;
  /** Your own name for it. */
  label?: string;
  /** End after so many messages and calls; without it, as the pool says. */
  max_uses?: number;
  /** How masks are chosen for people who have met before; without it, as the pool says. */
  selection?: "rotate" | "prefer-sticky" | "avoid-sticky" | "pinned";
  /** What it carries; without it, both. */
  services?: "sms" | "voice" | "sms+voice";
  /** per_side: each has a mask for the other. shared: both have the same one. group: all have. public: everybody may dial the mask of the one participant. */
  shape?: "per_side" | "shared" | "group" | "public";
  /** Whose session; for the operator's keys. */
  tenant?: string;
  /** Its life in seconds; without it, as the pool says. */
  ttl?: number;
}

export interface Spending {
  /** In a day of UTC. */
  limit: string;
  /** Today, with what other edges have told. */
  spent: string;
}

export interface StartInput {
  workflow_id: string;
  /** The number, with +. */
  to: string;
  /** Digits of the code; none: as the workflow says. */
  code_length?: number;
  /** Seconds that the first code is good for; none: as the workflow says. */
  ttl?: number;
}

export interface Statistics {
  since: string;
  until: string;
  total: VerificationsSum;
  /** By calling code and three digits more. */
  prefixes: VerificationsSum[];
}

export interface Step {
  at: string;
  status: "sending" | "submitted" | "delivered" | "undelivered" | "expired" | "rejected" | "unknown" | "verified";
  /** The message that it is about. */
  message_id?: string;
}

export interface TestAnswer {
  /** Of the event, which stands in no list. */
  event_id: string;
  ok: boolean;
  outcome: "ok" | "status" | "redirect" | "gone" | "throttled" | "timeout" | "name" | "address" | "tls" | "connection" | "cancelled";
  seconds: number;
  status?: number;
}

export interface TypedCodeInput {
  verification_id: string;
  /** What the person has typed in. */
  code: string;
}

export interface Usage {
  /** In the order of days and tenants; at most 10,000. */
  data: Day[];
  /** Where the tenant has a limit: tenants[].spend_day. */
  today?: Spending;
}

export interface Verification {
  /** Such as ver_0d2k9x4m1qz7c. */
  id: string;
  workflow_id: string;
  /** The number, redacted unless the key has pii:read. */
  to: string;
  /** How far it has come. */
  status: "pending" | "verified" | "failed" | "expired";
  channel: "sms";
  code_length: number;
  codes_sent: number;
  /** Guesses that are left. */
  attempts_left: number;
  created_at: string;
  /** The code is worth nothing from then on. */
  expires_at: string;
  /** What has happened, oldest first. */
  timeline: Step[];
  /** false: of the sandbox. */
  livemode: boolean;
  /** When a new code can be asked for; none: no more. */
  resend_after?: string;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
}

export interface VerificationsSum {
  started: number;
  verified: number;
  /** Whose attempts were used up. */
  failed: number;
  /** Part of those started that were verified. */
  conversion: number;
  /** Mean of those verified. */
  seconds_to_verify: number;
  verified_within_10s: number;
  verified_within_30s: number;
  verified_within_1m: number;
  verified_within_5m: number;
  prefix?: string;
}

export interface Workflow {
  /** Such as wfl_0d2k9x4m1qz7c. */
  id: string;
  name: string;
  template: string;
  channels: string[];
  code_length: number;
  /** Seconds that a code is good for. */
  ttl: number;
  /** Guesses for one verification. */
  attempts: number;
  /** Codes for one verification. */
  codes: number;
  created_at: string;
  updated_at: string;
  /** The pool of the masks that write. */
  pool?: string;
  /** The mask that writes. */
  sender?: string;
  /** Whose it is; none: the operator's own. */
  tenant?: string;
}

export interface WorkflowInput {
  /** Your own, one of a kind. */
  name: string;
  /** The message, with {code} in it. With a code of 10 digits it has to fit into one short message of the GSM alphabet. */
  template: string;
  /** Guesses for one verification. */
  attempts?: number;
  /** By which codes are sent, in order; there is sms. None: sms. */
  channels?: string[];
  /** Digits of a code. */
  code_length?: number;
  /** Codes for one verification. */
  codes?: number;
  /** The pool of the masks that write. */
  pool?: string;
  /** The mask that writes; none: one of the pool. */
  sender?: string;
  /** Seconds that a code is good for. */
  ttl?: number;
}

export interface Written {
  written: number;
}

export interface CreateWorkflowQuery {
  /** Of keys of the operator: whose it is to be; none: the operator's own. */
  tenant?: string;
}

export interface DeleteWebhookEndpointQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface GetWebhookEndpointQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface ListAuditQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
  /** Of this subject, such as the id of a session. */
  subject?: string;
}

export interface ListCallsQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
}

export interface ListConsentsQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
  /** Those alone that were not withdrawn. */
  standing?: boolean;
}

export interface ListEventsQuery {
  /** The id of the last event that you have; none: the oldest that is kept, of a stream what comes from now on. */
  after?: string;
  /** Most events of the answer; not of a stream. */
  limit?: number;
  /** Whose events, for keys of the operator; none: the operator's own. */
  tenant?: string;
}

export interface ListKeysQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
}

export interface ListLeasesQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
  /** Those alone that have not ended. */
  live?: boolean;
}

export interface ListMessagesQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
}

export interface ListNumbersQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Of this pool. */
  pool?: string;
  /** In this state. */
  state?: "free" | "held" | "quarantined" | "watchlisted" | "draining" | "retired";
  /** Of this country, such as GB. */
  country?: string;
}

export interface ListPoolsQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
}

export interface ListSessionsQuery {
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
  /** Those alone that have not ended. */
  live?: boolean;
}

export interface ListWebhookDeliveriesQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
  /** Most entries of the answer. */
  limit?: number;
  /** next_cursor of the answer before. */
  cursor?: string;
}

export interface ListWebhookEndpointsQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface ReadUsageQuery {
  /** The first day, of UTC; none: 30 days before the last one. */
  from?: string;
  /** The last day; none: today. */
  to?: string;
  /** Of this tenant; for the operator's keys. */
  tenant?: string;
}

export interface ReplayWebhookEventsQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface RotateWebhookSecretQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface TestWebhookEndpointQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface UpdateWebhookEndpointQuery {
  /** For keys of the operator: whose; none: the operator's own. */
  tenant?: string;
}

export interface VerificationStatisticsQuery {
  /** How many hours back. */
  hours?: number;
}

/** A method for each operation of the document. */
export interface Operations {
  /** Add a person to a group. POST /v1/sessions/{id}/participants Needs the scope `sessions:write`. */
  addParticipant(id: string, body: Person, options?: Options): Promise<Session>;
  /** Lease a number. POST /v1/rpc/allocateNumber Another name of createLease. Needs the scope `sessions:write`. */
  allocateNumber(body: LeaseRequest, options?: Options): Promise<Lease>;
  /** Release a number and keep it back. POST /v1/leases/{id}/burn The number goes on the watchlist: nobody gets it until it is released from there. Needs the scope `sessions:write`. */
  burnLease(id: string, options?: Options): Promise<Lease>;
  /** End a session and keep its masks back. POST /v1/sessions/{id}/burn Its masks go on the watchlist: nobody gets them until they are released. Needs the scope `sessions:write`. */
  burnSession(id: string, options?: Options): Promise<Session>;
  /** Change what is named of a pool. PATCH /v1/pools/{name} Needs the scope `numbers:write`. For keys of the operator. */
  changePool(name: string, body: PoolPolicy, options?: Options): Promise<Pool>;
  /** Compare a code. POST /v1/verifications/{id}/check Each guess counts. next_step says what to do after it. Needs the scope `verifications:write`. */
  checkVerification(id: string, body: CheckInput, options?: Options): Promise<Checked>;
  /** End a session now. DELETE /v1/sessions/{id} When it answers, this edge refuses its masks. A session that has ended stays as it is. Needs the scope `sessions:write`. */
  closeSession(id: string, options?: Options): Promise<Session>;
  /** Keep a person, a mask or the pair from contact. POST /v1/blocks Setting one that stands is no fault. Needs the scope `restrictions:write`. */
  createBlock(body: RestrictionInput, options?: Options): Promise<Restriction>;
  /** Call the two people of a session. POST /v1/sessions/{id}/calls The edge calls one of them, who sees the mask to dial for the other, and then the other one, who sees the mask to dial for the first. The answer comes when the first call goes out. With any problem, nobody is called. Needs the scope `calls:write`. */
  createCall(id: string, body: CreateCallInput, options?: Options): Promise<Call>;
  /** Make an API key. POST /v1/keys The answer holds its text, which is shown this once. Needs the scope `keys:write`. */
  createKey(body: KeyRequest, options?: Options): Promise<Key>;
  /** Lease a number. POST /v1/leases When it answers, the number routes. Needs the scope `sessions:write`. */
  createLease(body: LeaseRequest, options?: Options): Promise<Lease>;
  /** Send a person no more messages. POST /v1/optouts Setting one that stands is no fault. Needs the scope `restrictions:write`. */
  createOptOut(body: RestrictionInput, options?: Options): Promise<Restriction>;
  /** Make a pool. POST /v1/pools Needs the scope `numbers:write`. For keys of the operator. */
  createPool(body: CreatePoolInput, options?: Options): Promise<Pool>;
  /** Connect people by masks. POST /v1/sessions When it answers, the masks route. Needs the scope `sessions:write`. */
  createSession(body: SessionRequest, options?: Options): Promise<Session>;
  /** Have events posted. POST /v1/webhook-endpoints Needs the scope `webhooks:write`. */
  createWebhookEndpoint(body: EndpointInput, options?: Options): Promise<Endpoint>;
  /** Say how users are verified. POST /v1/workflows Needs the scope `verifications:write`. */
  createWorkflow(body: WorkflowInput, query?: CreateWorkflowQuery, options?: Options): Promise<Workflow>;
  /** Release a number now. DELETE /v1/leases/{id} When it answers, this edge refuses the number. A lease that has ended stays as it is. Needs the scope `sessions:write`. */
  deleteLease(id: string, options?: Options): Promise<Lease>;
  /** Delete a pool without masks. DELETE /v1/pools/{name} Needs the scope `numbers:write`. For keys of the operator. */
  deletePool(name: string, options?: Options): Promise<void>;
  /** Delete an endpoint and its log. DELETE /v1/webhook-endpoints/{id} Needs the scope `webhooks:write`. */
  deleteWebhookEndpoint(id: string, query?: DeleteWebhookEndpointQuery, options?: Options): Promise<void>;
  /** Delete a workflow. DELETE /v1/workflows/{id} Codes that were sent can still be checked. Needs the scope `verifications:write`. */
  deleteWorkflow(id: string, options?: Options): Promise<void>;
  /** End a call. DELETE /v1/calls/{id} Whoever rings or talks is hung up on. A call that has ended stays as it is. Needs the scope `calls:write`. */
  endCall(id: string, options?: Options): Promise<Call>;
  /** Let a lease live for a time from now. PATCH /v1/leases/{id} Needs the scope `sessions:write`. */
  extendLease(id: string, body: ExtendSessionInput, options?: Options): Promise<Lease>;
  /** Let a session live for a time from now. PATCH /v1/sessions/{id} Needs the scope `sessions:write`. */
  extendSession(id: string, body: ExtendSessionInput, options?: Options): Promise<Session>;
  /** Read the blocks of a person. POST /v1/blocks/search Needs the scope `restrictions:read`. */
  findBlocks(body: RestrictionInput, options?: Options): Promise<List<Restriction>>;
  /** Read the opt-outs of a person. POST /v1/optouts/search Needs the scope `restrictions:read`. */
  findOptOuts(body: RestrictionInput, options?: Options): Promise<List<Restriction>>;
  /** Read a call. GET /v1/calls/{id} Needs the scope `calls:read`. */
  getCall(id: string, options?: Options): Promise<Call>;
  /** Read a consent. GET /v1/consents/{id} Needs the scope `restrictions:read`. */
  getConsent(id: string, options?: Options): Promise<Consent>;
  /** Read what became of a message. POST /v1/rpc/getDeliveryStatus The same as getMessageStatus. Needs the scope `messages:read`. */
  getDeliveryStatus(body: DeliveryStatusInput, options?: Options): Promise<DeliveryStatus>;
  /** Read a lease. GET /v1/leases/{id} Needs the scope `sessions:read`. */
  getLease(id: string, options?: Options): Promise<Lease>;
  /** Read the limits of the key that asks, and what is held against it. GET /v1/limits */
  getLimits(options?: Options): Promise<Limit>;
  /** Read a message. GET /v1/messages/{id} Needs the scope `messages:read`. */
  getMessage(id: string, options?: Options): Promise<Message>;
  /** Read what became of a message. GET /v1/messages/{id}/status Needs the scope `messages:read`. */
  getMessageStatus(id: string, options?: Options): Promise<DeliveryStatus>;
  /** Read a mask and its history. GET /v1/numbers/{number} Needs the scope `numbers:read`. For keys of the operator. */
  getNumber(number: string, options?: Options): Promise<Number>;
  /** Read a pool. GET /v1/pools/{name} Needs the scope `numbers:read`. */
  getPool(name: string, options?: Options): Promise<Pool>;
  /** What a pool carries, and when it will be exhausted. GET /v1/pools/{name}/health As this edge sees it. Needs the scope `numbers:read`. */
  getPoolHealth(name: string, options?: Options): Promise<PoolHealth>;
  /** What a problem's code means. GET /v1/problems/{code} */
  getProblem(code: string, options?: Options): Promise<About>;
  /** Read a session. GET /v1/sessions/{id} Needs the scope `sessions:read`. */
  getSession(id: string, options?: Options): Promise<Session>;
  /** Read a verification and its timeline. GET /v1/verifications/{id} Needs the scope `verifications:read`. */
  getVerification(id: string, options?: Options): Promise<Verification>;
  /** Read an endpoint. GET /v1/webhook-endpoints/{id} Needs the scope `webhooks:read`. */
  getWebhookEndpoint(id: string, query?: GetWebhookEndpointQuery, options?: Options): Promise<Endpoint>;
  /** Read a workflow. GET /v1/workflows/{id} Needs the scope `verifications:read`. */
  getWorkflow(id: string, options?: Options): Promise<Workflow>;
  /** Add masks, or change those that are known. POST /v1/numbers All of them, or none. A mask's every attribute is set, also one that is not named; the state of a known one stays where none is named. Needs the scope `numbers:write`. For keys of the operator. */
  importNumbers(body: ImportNumbersInput, options?: Options): Promise<Written>;
  /** End a block. POST /v1/blocks/lift Needs the scope `restrictions:write`. */
  liftBlock(body: RestrictionInput, options?: Options): Promise<Restriction>;
  /** End the opt-outs of a person. POST /v1/optouts/lift Needs the scope `restrictions:write`. */
  liftOptOut(body: RestrictionInput, options?: Options): Promise<Restriction>;
  /** List who changed what, in the order of the chain. GET /v1/audit A line is in the list within about a second of its change. Needs the scope `audit:read`. */
  listAudit(query?: ListAuditQuery, options?: Options): Promise<List<AuditLine>>;
  /** Every page of listAudit. */
  listAuditAll(query?: ListAuditQuery, options?: Options): AsyncGenerator<AuditLine, void, undefined>;
  /** List the calls that were made to the people of a session. GET /v1/sessions/{id}/calls Needs the scope `calls:read`. */
  listCalls(id: string, query?: ListCallsQuery, options?: Options): Promise<List<Call>>;
  /** Every page of listCalls. */
  listCallsAll(id: string, query?: ListCallsQuery, options?: Options): AsyncGenerator<Call, void, undefined>;
  /** How the carriers are, as this edge sees them. GET /v1/carriers Needs the scope `numbers:read`. For keys of the operator. */
  listCarriers(options?: Options): Promise<List<Carrier>>;
  /** List consents in the order in which they were recorded. GET /v1/consents Needs the scope `restrictions:read`. */
  listConsents(query?: ListConsentsQuery, options?: Options): Promise<List<Consent>>;
  /** Every page of listConsents. */
  listConsentsAll(query?: ListConsentsQuery, options?: Options): AsyncGenerator<Consent, void, undefined>;
  /** Read events, or follow them. GET /v1/events The same events as those of webhooks, in the same order. Go on with `after` and the id of the last one. With `Accept: text/event-stream` they come as server-sent events. Needs the scope `events:read`. */
  listEvents(query?: ListEventsQuery, options?: Options): Promise<EventList>;
  /** List API keys, without their texts. GET /v1/keys Needs the scope `keys:read`. */
  listKeys(query?: ListKeysQuery, options?: Options): Promise<List<Key>>;
  /** Every page of listKeys. */
  listKeysAll(query?: ListKeysQuery, options?: Options): AsyncGenerator<Key, void, undefined>;
  /** List leases in the order in which they were made. GET /v1/leases Needs the scope `sessions:read`. */
  listLeases(query?: ListLeasesQuery, options?: Options): Promise<List<Lease>>;
  /** Every page of listLeases. */
  listLeasesAll(query?: ListLeasesQuery, options?: Options): AsyncGenerator<Lease, void, undefined>;
  /** List the messages that were sent through a session. GET /v1/sessions/{id}/messages Needs the scope `messages:read`. */
  listMessages(id: string, query?: ListMessagesQuery, options?: Options): Promise<List<Message>>;
  /** Every page of listMessages. */
  listMessagesAll(id: string, query?: ListMessagesQuery, options?: Options): AsyncGenerator<Message, void, undefined>;
  /** List masks in the order of their numbers. GET /v1/numbers Needs the scope `numbers:read`. For keys of the operator. */
  listNumbers(query?: ListNumbersQuery, options?: Options): Promise<List<Number>>;
  /** Every page of listNumbers. */
  listNumbersAll(query?: ListNumbersQuery, options?: Options): AsyncGenerator<Number, void, undefined>;
  /** List pools in the order of their names. GET /v1/pools Needs the scope `numbers:read`. */
  listPools(query?: ListPoolsQuery, options?: Options): Promise<List<Pool>>;
  /** Every page of listPools. */
  listPoolsAll(query?: ListPoolsQuery, options?: Options): AsyncGenerator<Pool, void, undefined>;
  /** List sessions in the order in which they were made. GET /v1/sessions Needs the scope `sessions:read`. */
  listSessions(query?: ListSessionsQuery, options?: Options): Promise<List<Session>>;
  /** Every page of listSessions. */
  listSessionsAll(query?: ListSessionsQuery, options?: Options): AsyncGenerator<Session, void, undefined>;
  /** Read what became of events, newest first. GET /v1/webhook-endpoints/{id}/deliveries Needs the scope `webhooks:read`. */
  listWebhookDeliveries(id: string, query?: ListWebhookDeliveriesQuery, options?: Options): Promise<List<EndpointDelivery>>;
  /** Every page of listWebhookDeliveries. */
  listWebhookDeliveriesAll(id: string, query?: ListWebhookDeliveriesQuery, options?: Options): AsyncGenerator<EndpointDelivery, void, undefined>;
  /** List endpoints. GET /v1/webhook-endpoints Needs the scope `webhooks:read`. */
  listWebhookEndpoints(query?: ListWebhookEndpointsQuery, options?: Options): Promise<List<Endpoint>>;
  /** List workflows. GET /v1/workflows Needs the scope `verifications:read`. */
  listWorkflows(options?: Options): Promise<List<Workflow>>;
  /** Read what traffic came to, by day. GET /v1/usage What carriers and ends took, of each day of UTC, a second or two behind. Keys of the operator read all tenants, or one. Needs the scope `usage:read`. */
  readUsage(query?: ReadUsageQuery, options?: Options): Promise<Usage>;
  /** Record that a person has agreed. POST /v1/consents Needs the scope `restrictions:write`. */
  recordConsent(body: ConsentInput, options?: Options): Promise<Consent>;
  /** Release a number now, with a reason. POST /v1/leases/{id}/release Needs the scope `sessions:write`. */
  releaseLease(id: string, body: ReleaseInput, options?: Options): Promise<Lease>;
  /** Release a number now, with a reason. POST /v1/rpc/releaseNumber Another name of releaseLease. Needs the scope `sessions:write`. */
  releaseNumber(body: ReleaseNumberInput, options?: Options): Promise<Lease>;
  /** Change a workflow. PUT /v1/workflows/{id} Codes that are sent from then on follow it. Needs the scope `verifications:write`. */
  replaceWorkflow(id: string, body: WorkflowInput, options?: Options): Promise<Workflow>;
  /** Post events again. POST /v1/webhook-endpoints/{id}/replay Needs the scope `webhooks:write`. */
  replayWebhookEvents(id: string, body: EndpointReplayInput, query?: ReplayWebhookEventsQuery, options?: Options): Promise<ReplayAnswer>;
  /** Lease a number. POST /v1/rpc/requestNumber Another name of createLease. Needs the scope `sessions:write`. */
  requestNumber(body: LeaseRequest, options?: Options): Promise<Lease>;
  /** Send a new code. POST /v1/verifications/{id}/resend The code before is worth nothing then; guesses that were made still count. The intervals grow: rate-limited says when. Needs the scope `verifications:write`. */
  resendVerification(id: string, options?: Options): Promise<Verification>;
  /** Let a suspended API key in again. POST /v1/keys/{id}/resume What this edge holds against it is forgotten. Needs the scope `keys:write`. For keys of the operator. */
  resumeKey(id: string, options?: Options): Promise<Key>;
  /** Revoke an API key. DELETE /v1/keys/{id} This edge refuses it at once, others within a second or two. Needs the scope `keys:write`. */
  revokeKey(id: string, options?: Options): Promise<Key>;
  /** Replace an API key. POST /v1/keys/{id}/rotate The new key may do what the old one may; the old one ends after the overlap. Needs the scope `keys:write`. */
  rotateKey(id: string, body: RotateKeyInput, options?: Options): Promise<Key>;
  /** Give a lease another number. POST /v1/leases/{id}/rotate Needs the scope `sessions:write`. */
  rotateLease(id: string, options?: Options): Promise<Lease>;
  /** Give the people of a session other masks. POST /v1/sessions/{id}/rotate Needs the scope `sessions:write`. */
  rotateSession(id: string, options?: Options): Promise<Session>;
  /** Replace the signing secret. POST /v1/webhook-endpoints/{id}/rotate-secret Needs the scope `webhooks:write`. */
  rotateWebhookSecret(id: string, body: EndpointRotationInput, query?: RotateWebhookSecretQuery, options?: Options): Promise<Endpoint>;
  /** Move the clock of the sandbox on. POST /v1/sandbox/advance-clock For keys of the sandbox; to others it is not there. It never goes back. Needs the scope `sessions:write`. */
  sandboxAdvanceClock(body: AdvanceInput, options?: Options): Promise<ClockTime>;
  /** Read which calls have come to people of the sandbox of late. GET /v1/sandbox/calls For keys of the sandbox; to others it is not there. The last hundred, which are in memory alone. Needs the scope `messages:read`. */
  sandboxCalls(options?: Options): Promise<List<Called>>;
  /** Read the clock of the sandbox. GET /v1/sandbox/clock For keys of the sandbox; to others it is not there. Needs the scope `sessions:read`. */
  sandboxClock(options?: Options): Promise<ClockTime>;
  /** Call a mask as a person would. POST /v1/sandbox/inbound-call For keys of the sandbox; to others it is not there. The answer comes when the call is over. Needs the scope `messages:write`. */
  sandboxInboundCall(body: CallInput, options?: Options): Promise<CallAnswer>;
  /** Write to a mask as a person would. POST /v1/sandbox/inbound-sms For keys of the sandbox; to others it is not there. Needs the scope `messages:write`. */
  sandboxInboundSMS(body: InboundInput, options?: Options): Promise<InboundAnswer>;
  /** Read what people of the sandbox have got of late. GET /v1/sandbox/messages For keys of the sandbox; to others it is not there. The last hundred, which are in memory alone. Needs the scope `messages:read`. */
  sandboxMessages(options?: Options): Promise<List<Received>>;
  /** Find the consents of a person. POST /v1/consents/search As listConsents; the number stands in the body, since addresses are logged on the way. Needs the scope `restrictions:read`. */
  searchConsents(body: SearchConsentsInput, options?: Options): Promise<List<Consent>>;
  /** Every page of searchConsents. */
  searchConsentsAll(body: SearchConsentsInput, options?: Options): AsyncGenerator<Consent, void, undefined>;
  /** Find the sessions of a person. POST /v1/sessions/search As listSessions; the number stands in the body, since addresses are logged on the way. Needs the scope `sessions:read`. */
  searchSessions(body: SearchSessionsInput, options?: Options): Promise<List<Session>>;
  /** Every page of searchSessions. */
  searchSessionsAll(body: SearchSessionsInput, options?: Options): AsyncGenerator<Session, void, undefined>;
  /** Send a message through a session. POST /v1/sessions/{id}/messages The answer comes when a carrier has the message: 201, or 202 with state unknown where the carrier was silent. A receipt of the network makes it delivered. With any problem, nothing was sent. Needs the scope `messages:write`. */
  sendMessage(id: string, body: SendMessageInput, options?: Options): Promise<Message>;
  /** Drain, release, watchlist or retire masks. POST /v1/numbers/states All of them, or none. What stands on a mask goes on in every state until its session ends. Needs the scope `numbers:write`. For keys of the operator. */
  setNumberStates(body: NumberStatesInput, options?: Options): Promise<Changed>;
  /** Send a code to a number. POST /v1/verifications The answer comes when a carrier has the message with the code. With any problem, nothing was sent and nothing is kept. Needs the scope `verifications:write`. */
  startVerification(body: StartInput, options?: Options): Promise<Verification>;
  /** Post a test event now. POST /v1/webhook-endpoints/{id}/test Needs the scope `webhooks:write`. */
  testWebhookEndpoint(id: string, query?: TestWebhookEndpointQuery, options?: Options): Promise<TestAnswer>;
  /** Change an endpoint. PATCH /v1/webhook-endpoints/{id} Needs the scope `webhooks:write`. */
  updateWebhookEndpoint(id: string, body: EndpointChangeInput, query?: UpdateWebhookEndpointQuery, options?: Options): Promise<Endpoint>;
  /** Read how verifications went. GET /v1/stats/verifications By prefix: how many were verified, and how fast. Needs the scope `verifications:read`. */
  verificationStatistics(query?: VerificationStatisticsQuery, options?: Options): Promise<Statistics>;
  /** Compare a code. POST /v1/rpc/verifyCode The same as checkVerification. Needs the scope `verifications:write`. */
  verifyCode(body: TypedCodeInput, options?: Options): Promise<Checked>;
  /** Note that a person has withdrawn a consent. DELETE /v1/consents/{id} It stays in the ledger with the time. Withdrawing it again changes nothing. Needs the scope `restrictions:write`. */
  withdrawConsent(id: string, options?: Options): Promise<Consent>;
}
