package numberdb

import (
	"errors"
	"time"
	"unicode/utf8"

	"maskline/e164"
)

// Faults of masks, pools, tenants and the history. They name the field and
// never a value.
var (
	ErrMaskNumber   = errors.New("number: expected 7 to 15 digits, or a short code such as 44:60123")
	ErrMaskKind     = errors.New("kind: expected a long code, short code or toll-free number")
	ErrCountry      = errors.New("country: expected two upper-case letters, or nothing")
	ErrRegion       = errors.New("region: expected at most 64 printable characters")
	ErrMaskServices = errors.New("services: expected sms, voice or both")
	ErrShortVoice   = errors.New("services: a short code takes no calls; expected sms")
	ErrCarrier      = errors.New("carrier: expected a name of at most 64 printable characters, without |")
	ErrPresents     = errors.New("presents: expected at most 32 names of carriers, none empty, none twice")
	ErrCost         = errors.New("cost: expected no negative amount")
	ErrFlags        = errors.New("flags: expected known ones")
	ErrMaskState    = errors.New("state: expected a known one")
	ErrSince        = errors.New("since: expected a time from 1970 to 2261, to the microsecond at most")
	ErrName         = errors.New("name: expected 1 to 64 printable characters")
	ErrTenantState  = errors.New("state: expected that of a tenant")
	ErrSelection    = errors.New("selection: expected a known one")
	ErrQuarantine   = errors.New("quarantine: expected no time, or one up to 10 years to the microsecond")
	ErrParties      = errors.New("parties: expected a count from 0 to 1,000,000")
	ErrTTL          = errors.New("ttl: expected times up to 10 years to the microsecond, with min_ttl at most ttl and ttl at most max_ttl")
	ErrIdleTTL      = errors.New("idle_ttl: expected no time, or one up to 10 years to the microsecond")
	ErrMaxUses      = errors.New("max_uses: expected a count from 0 to 1,000,000,000")
	ErrWhy          = errors.New("why: expected at most 200 printable characters without numbers")
	ErrActor        = errors.New("actor: expected 1 to 64 printable characters without numbers")
)

const (
	maxParties  = 1_000_000
	maxUses     = 1_000_000_000
	maxWhy      = 200
	maxDuration = 10 * 366 * 24 * time.Hour
)

// Check refuses what no store may hold.
func (m *Mask) Check() error {
	switch {
	case !m.Number.Valid():
		return ErrMaskNumber
	case m.Pool != "" && !isName(m.Pool):
		return ErrName
	case m.Kind > TollFree:
		return ErrMaskKind
	case m.Country != "" && !isCountry(m.Country):
		return ErrCountry
	case m.Region != "" && !isName(m.Region):
		return ErrRegion
	case m.Services == 0 || m.Services&^(SMS|Voice) != 0:
		return ErrMaskServices
	case m.Number.IsShortCode() && m.Kind != ShortCode:
		return ErrMaskKind
	case isEmergency(m.Number):
		return ErrEmergency
	case m.Kind == ShortCode && m.Services.Has(Voice):
		return ErrShortVoice
	case m.Carrier != "" && checkCarriers([]string{m.Carrier}) != nil:
		return ErrCarrier
	case checkCarriers(m.Presents) != nil:
		return ErrPresents
	case m.Cost < 0:
		return ErrCost
	case m.Flags&^(RegisteredAddress|Registered) != 0:
		return ErrFlags
	case m.State > Retired:
		return ErrMaskState
	case !isTime(m.Since):
		return ErrSince
	}
	return nil
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// Check refuses what no store may hold.
func (p *Pool) Check() error {
	policy := &p.Policy
	switch {
	case !isName(p.Name):
		return ErrName
	case !isOwner(p.Tenant):
		return ErrTenant
	case policy.Selection > Pinned:
		return ErrSelection
	case !isDuration(policy.Quarantine):
		return ErrQuarantine
	case policy.Parties < 0 || policy.Parties > maxParties:
		return ErrParties
	case !isDuration(policy.TTL) || !isDuration(policy.MinTTL) || !isDuration(policy.MaxTTL),
		!ordered(policy.MinTTL, policy.TTL, policy.MaxTTL):
		return ErrTTL
	case !isDuration(policy.IdleTTL):
		return ErrIdleTTL
	case policy.MaxUses < 0 || policy.MaxUses > maxUses:
		return ErrMaxUses
	}
	return nil
}

// ordered compares those that are not zero.
func ordered(bounds ...time.Duration) bool {
	last := time.Duration(0)
	for _, d := range bounds {
		if d != 0 && d < last {
			return false
		}
		last = max(last, d)
	}
	return true
}

// Check refuses what no store may hold.
func (t *Tenant) Check() error {
	switch {
	case !isTenant(t.Name):
		return ErrName
	case t.State > Closed:
		return ErrTenantState
	case !isTime(t.Created):
		return ErrCreated
	}
	return nil
}

// Check refuses what no store may hold.
func (e *MaskEvent) Check() error {
	switch {
	case !e.Mask.Valid():
		return ErrMaskNumber
	case !isTime(e.At):
		return ErrSince
	case e.What > Retired:
		return ErrMaskState
	case e.Why != "" && !isText(e.Why, maxWhy) || e164.Redact(e.Why) != e.Why:
		return ErrWhy
	case !isName(e.Actor) || e164.Redact(e.Actor) != e.Actor:
		return ErrActor
	}
	return nil
}

// isTime: stores keep microseconds from 1970.
func isTime(t time.Time) bool {
	year := t.UTC().Year()
	return !t.IsZero() && year >= 1970 && year <= 2261 && t.UnixMicro() != 0 && t.Nanosecond()%1000 == 0
}

func isDuration(d time.Duration) bool {
	return d >= 0 && d <= maxDuration && d%time.Microsecond == 0
}

// isText accepts up to longest printable characters.
func isText(s string, longest int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= longest && printable(s)
}
