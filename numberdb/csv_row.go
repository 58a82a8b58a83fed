package numberdb

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/e164"
)

// origin is where a row stood, for faults found once all rows are known.
type origin struct{ line, partyAt, toAt int32 }

func (in *reader) takeRow(fields []string) {
	if len(fields) != len(in.header) {
		in.fault(0, "", fmt.Sprintf("expected %d fields as in the header, found %d", len(in.header), len(fields)))
		return
	}
	var b Binding
	var at [len(columns)]int
	bad := false
	for i, text := range fields {
		c := in.header[i]
		_, at[c] = in.fields.FieldPos(i)
		if err := in.parse(&b, c, text); err != nil {
			in.fault(at[c], columns[c], err.Error())
			bad = true
		}
	}
	if b.Mask != 0 {
		in.masks[b.Mask] = struct{}{}
	}
	if bad {
		return
	}
	// What is wrong only between the fields of a row. A mask that meets itself
	// is found by crossCheck.
	if err := b.Check(); err != nil && !errors.Is(err, ErrSelf) {
		c := faultyColumn(err)
		in.fault(at[c], columns[c], err.Error())
		return
	}
	if b.To.Kind == Account && b.Tenant != "" {
		// What is for one tenant must not reach another's application.
		if owner, _ := in.account(b.To.Name); in.known.Account != nil && owner != b.Tenant {
			in.fault(at[colTo], columns[colTo], errNotIts.Error())
			return
		}
	}
	key := [2]e164.Number{b.Mask, b.Party}
	if first, ok := in.keys[key]; ok {
		in.fault(at[colMask], columns[colMask], fmt.Sprintf("the same mask and party as line %d", first))
		return
	}
	if in.known.Held != nil && in.known.Held(b.Mask, b.Party) {
		in.fault(at[colMask], columns[colMask], errHeld.Error())
		return
	}
	in.keys[key] = int32(in.number)
	in.changes = append(in.changes, Change{Binding: b})
	in.origin = append(in.origin, origin{int32(in.number), int32(at[colParty]), int32(at[colTo])})
}

func faultyColumn(err error) int {
	switch {
	case errors.Is(err, ErrTenant):
		return colTenant
	case errors.Is(err, ErrShortSIP):
		return colTo
	default:
		return colServices
	}
}

var (
	errNumber    = errors.New("expected 7 to 15 digits, with or without +")
	errMask      = errors.New("expected 7 to 15 digits, with or without +, or a short code such as 44:60123")
	errParty     = errors.New("expected 7 to 15 digits, with or without +, or *")
	errRFC3339   = errors.New("expected an RFC 3339 time such as 2030-01-31T12:00:00Z, or nothing")
	errCarrier   = errors.New("names a carrier that is not configured; expected names of carriers separated by |")
	errNoAccount = errors.New("names an account that is not configured")
	errNoTenant  = errors.New("names a tenant that is not configured")
	errHeld      = errors.New("a session has this mask for this party; end it first, and wait until its rest is over")
	errNotIts    = errors.New("names an account of another tenant than the binding's; expected one of its own")
)

// parse reads one field into b.
func (in *reader) parse(b *Binding, column int, text string) (err error) {
	switch column {
	case colMask:
		b.Mask, err = in.mask(text)
		b.Mask = b.Mask.Canonical()
	case colParty:
		if text != wildcard {
			b.Party, err = canonical(text, errParty)
		}
	case colTo:
		if b.To, err = ParseEndpoint(strings.Clone(text)); err == nil && b.To.Kind == Account {
			if _, known := in.account(b.To.Name); !known {
				err = errNoAccount
			}
		}
	case colPresent:
		b.Present, err = in.mask(text)
	case colServices:
		b.Services, err = ParseServices(text)
	case colCarriers:
		b.Carriers, err = in.carriers(text)
	case colExpires:
		if text == "" {
			return nil
		}
		// UnmarshalText is stricter about RFC 3339 than time.Parse.
		if b.Expires.UnmarshalText([]byte(text)) != nil {
			return errRFC3339
		}
		if b.Expires = b.Expires.UTC(); !storable(b) {
			b.Expires = time.Time{}
			err = ErrExpiry
		}
	case colTenant:
		if b.Tenant = strings.Clone(text); text != "" && !isKnown(in.known.Tenant, text) {
			err = errNoTenant
		}
	}
	return err
}

func canonical(text string, fault error) (e164.Number, error) {
	n, err := e164.Parse(text)
	if err != nil {
		return 0, fault
	}
	return n.Canonical(), nil
}

// mask reads what a party may contact or be shown: a number or a short code.
func (in *reader) mask(text string) (e164.Number, error) {
	n, err := e164.ParseMask(text)
	switch {
	case errors.Is(err, e164.ErrShortCode):
		return 0, err
	case err != nil:
		return 0, errMask
	case isEmergency(n), n.IsShortCode() && in.known.Emergency != nil && in.known.Emergency(n):
		return 0, ErrEmergency
	}
	return n, nil
}

func (in *reader) account(systemID string) (tenant string, known bool) {
	if in.known.Account == nil {
		return "", true
	}
	return in.known.Account(systemID)
}

func isKnown(known func(string) bool, name string) bool { return known == nil || known(name) }

// carriers splits a list once for all rows that have the same.
func (in *reader) carriers(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	if list, ok := in.lists[text]; ok {
		return list, nil
	}
	text = strings.Clone(text)
	list := strings.Split(text, "|")
	if err := checkCarriers(list); err != nil {
		return nil, err
	}
	for _, name := range list {
		if !isKnown(in.known.Carrier, name) {
			return nil, errCarrier
		}
	}
	in.lists[text] = list
	return list, nil
}

// crossCheck finds masks that are used as real numbers; it needs all rows.
func (in *reader) crossCheck() {
	for i := range in.changes {
		b, where := &in.changes[i].Binding, in.origin[i]
		if b.Party != 0 && in.isMask(b.Party) {
			in.faults.Add(Fault{int(where.line), int(where.partyAt), columns[colParty], "is a mask; expected a real number"})
		}
		if b.To.Kind == Tel && in.isMask(b.To.Number.Canonical()) {
			in.faults.Add(Fault{int(where.line), int(where.toAt), columns[colTo], "leads to a mask, which would loop; expected a real number"})
		}
	}
}

func (in *reader) isMask(n e164.Number) bool {
	if _, ok := in.masks[n]; ok {
		return true
	}
	return in.known.Mask != nil && in.known.Mask(n)
}
