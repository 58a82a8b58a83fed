package prefix

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Match is an offer for a number.
type Match struct {
	Cost    uint64 // per unit, in millionths
	Carrier uint16 // its place in the list of carriers
	Length  uint8  // of the prefix
	Quality uint8  // 0 to 100, or NoQuality
}

// Walk is one passage through the offers for a number.
type Walk struct {
	trie    *Trie
	at      uint32 // the next offer
	now     uint32
	service packed
	seen    [(MaxCarriers + 1) / 64]uint64
}

// Walk begins to meet the offers for a number and one service.
func (t *Trie) Walk(n e164.Number, service numberdb.Services, now time.Time) Walk {
	return Walk{trie: t, at: t.find(n), service: packed(service) << servicesShift, now: seconds(now)}
}

// Next is the next carrier's offer: of every carrier the one that holds now for
// the longest prefix; the longest come first. It returns false at the end.
func (w *Walk) Next() (m Match, found bool) {
	for w.at != 0 {
		at := w.at
		o := w.trie.lines[at]
		carrier := o.carrier()
		if carrier == linkCarrier {
			w.at = uint32(o >> costShift)
			continue
		}
		w.at++
		seen, bit := &w.seen[carrier/64], uint64(1)<<(carrier%64)
		if o&w.service == 0 || *seen&bit != 0 || o&isDated != 0 && w.trie.dated[at] > w.now {
			continue
		}
		*seen |= bit
		return o.match(), true
	}
	return Match{}, false
}

// packed is an offer with the length of its prefix: 40 bits of cost, 7 of
// quality, 1 that says whether it is dated, 2 of services, 4 of length and 10 of
// the carrier's place; or a link, which has the place of the next offer as its
// cost.
type packed uint64

const (
	lengthShift   = 10
	servicesShift = lengthShift + 4
	isDated       = packed(1) << (servicesShift + 2)
	qualityShift  = servicesShift + 3
	costShift     = qualityShift + 7

	noQuality   = 1<<7 - 1
	carrierMask = 1<<lengthShift - 1
	linkCarrier = MaxCarriers
)

func link(to uint32) packed { return packed(to)<<costShift | linkCarrier }

func pack(r *Row) packed {
	quality := packed(noQuality)
	if r.Quality != NoQuality {
		quality = packed(r.Quality)
	}
	p := packed(r.Cost)<<costShift | quality<<qualityShift | packed(r.Services)<<servicesShift |
		packed(r.Prefix.Len())<<lengthShift | packed(r.Carrier)
	if r.From > 0 {
		p |= isDated
	}
	return p
}

func (p packed) carrier() uint16 { return uint16(p & carrierMask) }

// hides reports whether a walk that meets p first never returns q.
func (p packed) hides(q packed) bool {
	const services = packed(numberdb.SMS|numberdb.Voice) << servicesShift
	return p.carrier() == q.carrier() && p&isDated == 0 && q&services&^p == 0
}

func (p packed) match() Match {
	m := Match{
		Cost: uint64(p >> costShift), Carrier: p.carrier(), Length: uint8(p >> lengthShift & 0xF),
		Quality: uint8(p >> qualityShift & noQuality),
	}
	if m.Quality == noQuality {
		m.Quality = NoQuality
	}
	return m
}
