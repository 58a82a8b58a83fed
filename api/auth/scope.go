package auth

import "slices"

// Scope permits a group of operations.
type Scope string

// The scopes.
const (
	SessionsRead       Scope = "sessions:read"
	SessionsWrite      Scope = "sessions:write"
	MessagesRead       Scope = "messages:read"
	MessagesWrite      Scope = "messages:write"
	CallsRead          Scope = "calls:read"
	CallsWrite         Scope = "calls:write" // the edge calls people
	VerificationsRead  Scope = "verifications:read"
	VerificationsWrite Scope = "verifications:write"
	RestrictionsRead   Scope = "restrictions:read" // opt-outs, blocks, consents
	RestrictionsWrite  Scope = "restrictions:write"
	NumbersRead        Scope = "numbers:read" // numbers, pools and carriers
	NumbersWrite       Scope = "numbers:write"
	EventsRead         Scope = "events:read"
	UsageRead          Scope = "usage:read"
	WebhooksRead       Scope = "webhooks:read"
	WebhooksWrite      Scope = "webhooks:write"
	KeysRead           Scope = "keys:read"
	KeysWrite          Scope = "keys:write"
	AuditRead          Scope = "audit:read"
	PIIRead            Scope = "pii:read" // whole numbers in answers
	Admin              Scope = "admin"    // tenants and what else is the operator's
)

// Scopes is every scope.
func Scopes() []Scope {
	return []Scope{
		SessionsRead, SessionsWrite, MessagesRead, MessagesWrite, CallsRead, CallsWrite, VerificationsRead, VerificationsWrite, RestrictionsRead, RestrictionsWrite,
		NumbersRead, NumbersWrite, EventsRead, UsageRead, WebhooksRead, WebhooksWrite, KeysRead, KeysWrite, AuditRead, PIIRead, Admin,
	}
}

// Role is a usual set of scopes.
type Role string

// The roles.
const (
	Owner      Role = "owner"      // everything
	Operations Role = "operator"   // runs it, but gives out no keys
	Integrator Role = "integrator" // a program that uses it
	Auditor    Role = "auditor"    // looks at everything, the audit and whole numbers too
	ReadOnly   Role = "read-only"  // looks at everything else
)

// Roles is every role.
func Roles() []Role { return []Role{Owner, Operations, Integrator, Auditor, ReadOnly} }

// Scopes are the most that a key of the role may have; none: it is no role.
func (r Role) Scopes() []Scope {
	reads := []Scope{
		SessionsRead, MessagesRead, CallsRead, VerificationsRead, RestrictionsRead, NumbersRead, EventsRead, UsageRead, WebhooksRead,
	}
	writes := []Scope{SessionsWrite, MessagesWrite, CallsWrite, VerificationsWrite, RestrictionsWrite, WebhooksWrite}
	switch r {
	case Owner:
		return Scopes()
	case Operations:
		return append(append(reads, writes...), NumbersWrite, KeysRead, AuditRead, PIIRead, Admin)
	case Integrator:
		return append(append(reads, writes...), PIIRead)
	case Auditor:
		return append(reads, KeysRead, AuditRead, PIIRead)
	case ReadOnly:
		return append(reads, KeysRead)
	default:
		return nil
	}
}

// Usual are the scopes of a key of the role that asks for none: all but those
// that show whole numbers, which have to be asked for.
func (r Role) Usual() []Scope {
	return slices.DeleteFunc(r.Scopes(), func(s Scope) bool { return s == PIIRead })
}
