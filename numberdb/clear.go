package numberdb

import (
	"time"

	"maskline/e164"
)

// Row is a binding as stores kept it in clear before their schema 4, which
// takes it over: numbers are bare digits, mask and party in canonical form, a
// party of none is "*".
type Row struct {
	Mask, Party string
	ToKind      string // EndpointKind.String
	ToValue     string // digits of tel, else Endpoint.Name
	Present     string
	Services    string // Services.String
	Carriers    []string
	Expires     time.Time // zero: never
	Tenant      string
}

func (r *Row) key() (mask, party e164.Number, err error) {
	if mask, err = canonical(r.Mask, errNumber); err == nil && r.Party != wildcard {
		party, err = canonical(r.Party, errParty)
	}
	return mask, party, err
}

// Binding reads the row. The error never holds a value of it.
func (r *Row) Binding() (b Binding, err error) {
	if b.Mask, b.Party, err = r.key(); err != nil {
		return Binding{}, err
	}
	kind, err := ParseEndpointKind(r.ToKind)
	if err != nil {
		return Binding{}, err
	}
	if b.To, err = NewEndpoint(kind, r.ToValue); err != nil {
		return Binding{}, err
	}
	if b.Present, err = e164.Parse(r.Present); err != nil {
		return Binding{}, errNumber
	}
	if b.Services, err = ParseServices(r.Services); err != nil {
		return Binding{}, err
	}
	b.Tenant = r.Tenant
	if len(r.Carriers) > 0 {
		b.Carriers = r.Carriers
	}
	if !r.Expires.IsZero() {
		b.Expires = r.Expires.UTC()
	}
	return b, b.Check()
}

// RestrictionRow is a restriction as stores kept it in clear before their
// schema 4: numbers are bare digits in canonical form, none of them is "*".
type RestrictionRow struct {
	Kind, Tenant, Mask, Party string
	Peer                      string // Endpoint.Reveal; empty: none
	Since                     time.Time
}

// Restriction reads the row. The error never holds a value of it.
func (row *RestrictionRow) Restriction() (r Restriction, err error) {
	if r.Kind, err = ParseRestrictionKind(row.Kind); err != nil {
		return Restriction{}, err
	}
	if row.Mask != wildcard {
		if r.Mask, err = canonical(row.Mask, errNumber); err != nil {
			return Restriction{}, err
		}
	}
	if row.Party != wildcard {
		if r.Party, err = canonical(row.Party, errParty); err != nil {
			return Restriction{}, err
		}
	}
	if row.Peer != "" {
		if r.Peer, err = ParseEndpoint(row.Peer); err != nil {
			return Restriction{}, err
		}
	}
	r.Tenant, r.Since = row.Tenant, row.Since.UTC()
	return r, r.Check()
}
