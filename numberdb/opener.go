package numberdb

import (
	"strings"

	"maskline/e164"
)

const mostTexts = 1 << 14 // shared by an Opener; beyond it starts anew

// Opener opens many stored bindings. It keeps its buffers and shares equal
// texts among them, so it is for one goroutine.
type Opener struct {
	vault  *Vault
	texts  map[string]string
	lists  map[string][]string // checked
	tenant string              // the last one, checked; empty is none

	// What passes through an interface lies on the heap once.
	party        HiddenParty
	place, plain []byte
}

// Opener is one for the vault.
func (v *Vault) Opener() *Opener {
	return &Opener{vault: v, place: make([]byte, 0, 256), plain: make([]byte, 0, 256)}
}

// Text is octets as a string, the same one for equal octets.
func (o *Opener) Text(octets []byte) string {
	if len(octets) == 0 {
		return ""
	}
	text, known := o.texts[string(octets)]
	if !known {
		if o.texts == nil || len(o.texts) == mostTexts {
			o.texts = map[string]string{}
		}
		text = string(octets)
		o.texts[text] = text
	}
	return text
}

// list is a stored list of carriers; it is checked when it is first met.
func (o *Opener) list(carriers string) ([]string, error) {
	if carriers == "" {
		return nil, nil
	}
	if list, known := o.lists[carriers]; known {
		return list, nil
	}
	list := strings.Split(carriers, "|")
	if err := checkCarriers(list); err != nil {
		return nil, err
	}
	if o.lists == nil || len(o.lists) == mostTexts {
		o.lists = map[string][]string{}
	}
	o.lists[carriers] = list
	return list, nil
}

// checkTenant checks a name once while rows of the same tenant follow.
func (o *Opener) checkTenant(name string) error {
	if name == o.tenant {
		return nil
	}
	if !isTenant(name) {
		return ErrTenant
	}
	o.tenant = name
	return nil
}

// Key is Vault.Key.
func (o *Opener) Key(mask int64, hidden *HiddenParty) (key BindingKey, err error) {
	o.party = *hidden
	key.Mask = e164.Number(mask)
	if !key.Mask.Valid() {
		return BindingKey{}, ErrSealed
	}
	key.Party, err = o.vault.find(&o.party)
	return key, err
}

// Open reads the stored form. The error never holds a value of it.
func (o *Opener) Open(s *Stored) (Binding, error) {
	o.party = s.Party
	party, err := o.vault.find(&o.party)
	if err != nil {
		return Binding{}, err
	}
	o.place = s.place(o.place[:0])
	plain, err := o.vault.content.Open(o.plain[:0], s.Sealed, o.place)
	if err != nil {
		return Binding{}, ErrSealed
	}
	to, err := readEndpoint(plain)
	if err != nil {
		return Binding{}, err
	}
	carriers, err := o.list(s.Carriers)
	if err != nil {
		return Binding{}, err
	}
	if s.Tenant != "" {
		err = o.checkTenant(s.Tenant)
	}
	if err != nil {
		return Binding{}, err
	}
	b := Binding{
		Mask: e164.Number(s.Mask), Party: party, To: to, Present: e164.Number(s.Present), Second: e164.Number(s.Second),
		Services: Services(s.Services), Carriers: carriers, Expires: fromMicros(s.Expires), Tenant: s.Tenant,
		Session: ID(s.Session), Counted: s.Counted, Keep: fromMicros(s.Keep),
	}
	return b, b.checkEnds()
}
