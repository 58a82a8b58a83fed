package numberdb

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check refuses what no store may hold: it names what was expected, never a
// value.
func (b *Binding) Check() error {
	if !isOwner(b.Tenant) {
		return ErrTenant
	}
	if err := checkCarriers(b.Carriers); err != nil {
		return err
	}
	return b.checkEnds()
}

// checkEnds is Check but for names.
func (b *Binding) checkEnds() error {
	switch {
	case b.Mask == 0:
		return ErrNoMask
	case b.Present == 0:
		return ErrNoPresent
	case !b.Mask.Valid() || !b.Present.Valid() || b.Party != 0 && !b.Party.Valid() || b.Second != 0 && !b.Second.Valid():
		return errNumber
	case b.Services == 0 || b.Services&^(SMS|Voice) != 0:
		return ErrServices
	case b.To.Kind == Account && b.Services.Has(Voice):
		return ErrSMPPVoice
	case b.Party.Canonical() == b.Mask.Canonical(),
		b.To.Kind == Tel && b.To.Number.Canonical() == b.Mask.Canonical():
		return ErrSelf
	case !b.Expires.IsZero() && !storable(b):
		return ErrExpiry
	}
	if err := b.checkShort(); err != nil {
		return err
	}
	return b.To.check()
}

// check refuses what NewEndpoint does.
func (e *Endpoint) check() error {
	if e.Kind != Tel {
		_, err := NewEndpoint(e.Kind, e.Name)
		return err
	}
	if !e.Number.Valid() || e.Number.IsShortCode() {
		return ErrTel
	}
	return nil
}

const year2262 = 9214646400 // in seconds since 1970

// storable: stores keep microseconds, the table nanoseconds in an int64.
func storable(b *Binding) bool {
	seconds := b.Expires.Unix()
	return seconds >= 0 && seconds < year2262 && b.Expires.Nanosecond()%1000 == 0
}

func checkCarriers(names []string) error {
	if len(names) > maxCarriers {
		return ErrCarriers
	}
	for i, name := range names {
		if !isName(name) || strings.Contains(name, "|") {
			return ErrCarriers
		}
		for _, earlier := range names[:i] {
			if earlier == name {
				return ErrCarriers
			}
		}
	}
	return nil
}

// isOwner accepts a tenant's name, and none: the operator.
func isOwner(tenant string) bool { return tenant == "" || isTenant(tenant) }

func isTenant(name string) bool { return isName(name) && name != AnyTenant }

// isName accepts the names of carriers, pools and the like.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && strings.TrimSpace(s) == s && printable(s)
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// visible accepts 1 to longest ASCII characters, without spaces.
func visible(s string, longest int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= longest
}
