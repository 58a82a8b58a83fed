package numberdb

import (
	"encoding/binary"
	"encoding/json"
	"strings"
)

// StoredEndpoint is an endpoint as stores keep it: what may hold a secret, the URL
// too, is sealed.
type StoredEndpoint struct {
	ID      int64
	Tenant  string
	Types   string // divided by '|'
	State   int16
	Created int64
	Sealed  []byte
	Version int64
}

const endpointFormat = 1 // first octet of what is sealed of an endpoint

// sealedEndpoint is what is sealed, as JSON.
type sealedEndpoint struct {
	URL     string          `json:"url"`
	Label   string          `json:"label,omitempty"`
	Secrets []sealedSecrets `json:"secrets"`
}

type sealedSecrets struct {
	Key   []byte `json:"key"`
	Ed    bool   `json:"ed,omitempty"`
	Until int64  `json:"until,omitempty"`
}

// StoreEndpoint makes the stored form.
func (v *Vault) StoreEndpoint(e *WebhookEndpoint) (StoredEndpoint, error) {
	stored := StoredEndpoint{
		ID: int64(e.ID), Tenant: e.Tenant, Types: strings.Join(e.Types, "|"), State: int16(e.State), Created: micros(e.Created), Version: e.Version,
	}
	inner := sealedEndpoint{URL: e.URL, Label: e.Label}
	for i := range e.Secrets {
		inner.Secrets = append(inner.Secrets, sealedSecrets{e.Secrets[i].Key, e.Secrets[i].Ed, micros(e.Secrets[i].Until)})
	}
	plain, err := json.Marshal(inner)
	if err != nil {
		return stored, err
	}
	stored.Sealed = v.content.Seal(nil, append([]byte{endpointFormat}, plain...), stored.place())
	return stored, nil
}

// OpenEndpoint reads the stored form. The error never holds a value of it.
func (v *Vault) OpenEndpoint(stored *StoredEndpoint) (WebhookEndpoint, error) {
	plain, err := v.content.Open(nil, stored.Sealed, stored.place())
	if err != nil || len(plain) == 0 || plain[0] != endpointFormat {
		return WebhookEndpoint{}, ErrSealed
	}
	var inner sealedEndpoint
	if json.Unmarshal(plain[1:], &inner) != nil {
		return WebhookEndpoint{}, ErrSealed
	}
	e := WebhookEndpoint{
		ID: ID(stored.ID), Tenant: stored.Tenant, URL: inner.URL, Label: inner.Label, State: EndpointState(stored.State),
		Created: fromMicros(stored.Created), Version: stored.Version,
	}
	e.Types = EndpointTypes(stored.Types)
	for _, s := range inner.Secrets {
		e.Secrets = append(e.Secrets, WebhookSecret{s.Key, s.Ed, fromMicros(s.Until)})
	}
	return e, e.Check()
}

// EndpointTypes reads the stored form of an endpoint's types.
func EndpointTypes(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "|")
}

// place ties what is sealed to its row; state and types change without it.
func (stored *StoredEndpoint) place() []byte {
	dst := append(make([]byte, 0, 64), "webhook endpoint"...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(stored.ID))
	return append(dst, stored.Tenant...)
}
