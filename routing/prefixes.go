package routing

import (
	"errors"
	"math"

	"maskline/routing/prefix"
)

var errCarriers = errors.New("more than 1023 carriers")

// newPrefixes makes the prefixes of the configuration and the imported ones one
// trie. Of the same prefix and carrier an imported row goes before the
// configuration's. A carrier without prefixes serves every destination, unless
// imported rows name it: then these are what it serves.
func newPrefixes(carriers []*Carrier, imported *prefix.Table) (*prefix.Trie, error) {
	if len(carriers) > prefix.MaxCarriers {
		return nil, errCarriers
	}
	places := map[string]int{}
	for i, c := range carriers {
		places[c.Name] = i
	}
	var rows []prefix.Row
	named := map[string]bool{}
	if imported != nil {
		rows = imported.Placed(func(name string) int {
			named[name] = true
			if place, found := places[name]; found {
				return place
			}
			return -1
		})
	}
	var configured []prefix.Row
	for i, c := range carriers {
		if len(c.Prefixes) == 0 && !named[c.Name] {
			configured = append(configured, c.row(i, 0))
		}
		for _, text := range c.Prefixes {
			p, err := prefix.Parse(text)
			if err != nil {
				return nil, err
			}
			configured = append(configured, c.row(i, p))
		}
	}
	prefix.Sort(configured)
	return prefix.Build(prefix.Merge(rows, configured))
}

// row is the carrier's own terms for a prefix.
func (c *Carrier) row(place int, p prefix.Digits) prefix.Row {
	cost := uint64(math.Round(min(max(c.Cost*prefix.Unit, 0), prefix.MaxCost)))
	return prefix.Row{Prefix: p, Offer: prefix.Offer{
		Cost: cost, Carrier: uint16(place), Services: SMS | Voice, Quality: prefix.NoQuality,
	}}
}
