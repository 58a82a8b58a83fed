package numberdb

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"maskline/e164"
)

// Consent is what a party has agreed to, towards a tenant.
type Consent struct {
	ID        ID
	Tenant    string
	Party     e164.Number
	Text      string // that the party was shown
	Method    string // how the party agreed, such as "checkbox"
	Workflow  string // what for; empty: whatever the tenant does
	Given     time.Time
	Withdrawn time.Time // zero: it stands
}

// ConsentPrefix is that of the ids of consents.
const ConsentPrefix = "con_"

// ConsentQuery selects consents; zero fields select all.
type ConsentQuery struct {
	ID       ID
	Tenant   string // of this tenant; AnyTenant: of all and the operator's
	Party    e164.Number
	Standing bool // not withdrawn
	After    ID   // greater than
	Limit    int  // default 100, at most 10,000
}

// ConsentStore reads consents; Writes change them.
type ConsentStore interface {
	// Consents returns them in the order of their IDs. Rows that do not open are left
	// out, and an error that wraps ErrSealed tells of them beside the others.
	Consents(ctx context.Context, query ConsentQuery) ([]Consent, error)
}

const maxConsentText = 2000

// Check refuses what no store may hold.
func (c *Consent) Check() error {
	switch {
	case c.ID == 0 || int64(c.ID) < 0:
		return errors.New("id: a consent needs one")
	case !isOwner(c.Tenant):
		return ErrTenant
	case c.Party == 0 || !c.Party.Valid() || c.Party.IsShortCode():
		return errNumber
	case !isTime(c.Given) || !c.Withdrawn.IsZero() && !isTime(c.Withdrawn):
		return errors.New("given, withdrawn: expected a time from 1970 to 2261, to the microsecond at most")
	case c.Text == "" || !isProse(c.Text, maxConsentText), c.Method == "" || !isText(c.Method, 64), !isText(c.Workflow, 64):
		return errors.New("text, method, workflow: expected text of at most 2,000, 64 and 64 printable characters")
	}
	return nil
}

// StoredConsent is a consent as stores keep it, in the forms of Stored.
type StoredConsent struct {
	ID        int64
	Tenant    string
	Party     HiddenParty
	Given     int64
	Withdrawn int64
	Sealed    []byte // text, method and workflow, tied to all other columns
}

// StoreConsent makes the stored form.
func (v *Vault) StoreConsent(c *Consent) StoredConsent {
	s := StoredConsent{ID: int64(c.ID), Tenant: c.Tenant, Party: v.Hide(c.Party), Given: micros(c.Given), Withdrawn: micros(c.Withdrawn)}
	plain := make([]byte, 0, len(c.Text)+len(c.Method)+len(c.Workflow)+8)
	for _, text := range [...]string{c.Method, c.Workflow} {
		plain = append(append(plain, byte(len(text)>>8), byte(len(text))), text...)
	}
	s.Sealed = v.content.Seal(nil, append(plain, c.Text...), s.place())
	return s
}

// OpenConsent reads the stored form. The error never holds a value of it.
func (v *Vault) OpenConsent(s *StoredConsent) (c Consent, err error) {
	plain, err := v.content.Open(nil, s.Sealed, s.place())
	if err != nil {
		return Consent{}, ErrSealed
	}
	c = Consent{ID: ID(s.ID), Tenant: s.Tenant, Given: fromMicros(s.Given), Withdrawn: fromMicros(s.Withdrawn)}
	if c.Party, err = v.Find(s.Party); err != nil {
		return Consent{}, err
	}
	for _, text := range [...]*string{&c.Method, &c.Workflow} {
		if len(plain) < 2 || len(plain)-2 < int(binary.BigEndian.Uint16(plain)) {
			return Consent{}, ErrSealed
		}
		length := int(binary.BigEndian.Uint16(plain))
		*text, plain = string(plain[2:2+length]), plain[2+length:]
	}
	c.Text = string(plain)
	return c, c.Check()
}

func (s *StoredConsent) place() []byte {
	dst := append([]byte("consent"), s.Party[:]...)
	for _, word := range [...]int64{s.ID, s.Given, s.Withdrawn} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(word))
	}
	return append(dst, s.Tenant...)
}

// isProse is isText that may have lines.
func isProse(s string, longest int) bool {
	flat := make([]rune, 0, len(s))
	for _, r := range s {
		if r == '\n' || r == '\t' {
			r = ' '
		}
		flat = append(flat, r)
	}
	return isText(string(flat), longest)
}
