package storetest

import (
	"fmt"
	"strings"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// ClearStore is what a store of schema 2 or 3 held in clear, and what a store
// must make of it.
type ClearStore struct {
	Numbers      []e164.Number // of people: all stand in the rows
	Bindings     map[Key]numberdb.Binding
	Restrictions map[numberdb.Restriction]bool // true: lifted
}

// NewClearStore has n numbers of people.
func NewClearStore(n int) *ClearStore {
	c := &ClearStore{Numbers: RealNumbers(n), Bindings: map[Key]numberdb.Binding{}, Restrictions: map[numberdb.Restriction]bool{}}
	for i, number := range c.Numbers {
		b := numberdb.Binding{Mask: Mask(i), Party: number, Present: Mask(i + 1), Services: numberdb.SMS}
		other := c.Numbers[(i+1)%n]
		switch i % 4 {
		case 0:
			b.To = numberdb.Endpoint{Kind: numberdb.Tel, Number: other}
		case 1:
			b.To = numberdb.Endpoint{Kind: numberdb.SIP, Name: digitsOf(other) + "@pbx.example"}
			b.Carriers, b.Expires, b.Tenant = []string{"bravo", "alfa"}, until, "shop"
		case 2:
			b.Party, b.To = 0, numberdb.Endpoint{Kind: numberdb.Account, Name: digitsOf(number)}
		case 3:
			r := numberdb.Restriction{Kind: numberdb.OptOut, Tenant: "shop", Party: number, Since: since}
			if i%8 == 3 {
				r.Peer = numberdb.Endpoint{Kind: numberdb.Tel, Number: other}
			}
			c.Restrictions[r] = i%16 == 3
			continue
		}
		c.Bindings[Key{b.Mask, b.Party}] = b
	}
	c.Restrictions[numberdb.Restriction{Kind: numberdb.Block, Mask: Mask(7), Since: since}] = false
	return c
}

func digitsOf(n e164.Number) string { return strings.TrimPrefix(n.Reveal(), "+") }

func orEverybody(n e164.Number) string {
	if n == 0 {
		return "*"
	}
	return digitsOf(n)
}

// SQL are statements that fill a store of the old schema, in the tables with
// that prefix; list and moment write a list of names and a time as the store did.
func (c *ClearStore) SQL(prefix string, list func([]string) string, moment func(time.Time) string) []string {
	var all []string
	for _, b := range c.Bindings {
		expires := "NULL"
		if !b.Expires.IsZero() {
			expires = moment(b.Expires)
		}
		value := b.To.Name
		if b.To.Kind == numberdb.Tel {
			value = digitsOf(b.To.Number)
		}
		all = append(all, fmt.Sprintf(`INSERT INTO %sbindings (mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant, updated_at)
			VALUES ('%s', '%s', '%s', '%s', '%s', '%s', %s, %s, '%s', %s)`, prefix, digitsOf(b.Mask), orEverybody(b.Party), b.To.Kind, value,
			digitsOf(b.Present), b.Services, list(b.Carriers), expires, b.Tenant, moment(since)))
	}
	for r, lifted := range c.Restrictions {
		all = append(all, fmt.Sprintf(`INSERT INTO %srestrictions (kind, tenant, mask, party, peer, since, lifted, version)
			VALUES ('%s', '%s', '%s', '%s', '%s', %s, %s, 5)`, prefix, r.Kind, r.Tenant, orEverybody(r.Mask), orEverybody(r.Party), r.Peer.Reveal(),
			moment(r.Since), strings.ToUpper(fmt.Sprint(lifted))))
	}
	return all
}
