package webhook

import "github.com/danielgtaylor/huma/v2"

// EventType is a type of events that an endpoint may ask for.
type EventType string

// EventTypes is every type that is told to endpoints by itself: docs/webhooks.md
// says what each is.
func EventTypes() []EventType {
	return []EventType{
		"session.created", "session.closed", "session.expired", "participant.added",
		"lease.created", "lease.rotated", "lease.released", "lease.burned", "lease.expired",
		"number.watchlisted", "number.quarantined", "number.available", "pool.exhausted", "pool.low",
		"call.ringing", "call.answered", "call.blocked", "call.ended", "call.missed",
		"message.inbound", "message.status", "message.blocked", "out_of_session.message", "out_of_session.call", "optout.created", "optout.removed",
		"verification.sent", "verification.status", "verification.succeeded", "verification.failed",
		"carrier.up", "carrier.down", "quota.warning", "quota.reached", "abuse.detected", "abuse.suspended", "abuse.third_party_code", "webhook.disabled",
	}
}

// Schema lets no type pass that is misspelt: its endpoint would wait for ever.
func (EventType) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, t := range EventTypes() {
		s.Enum = append(s.Enum, string(t))
	}
	s.PrecomputeMessages()
	return s
}

func texts(types []EventType) (list []string) {
	for _, t := range types {
		list = append(list, string(t))
	}
	return list
}
