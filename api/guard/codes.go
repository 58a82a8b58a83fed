package guard

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Codes tells one-time codes of others from other texts: who collects them at leased
// numbers registers accounts under numbers that are nobody's. It may be used by many
// goroutines.
type Codes struct {
	own    [][]byte // in capitals
	words  []phrase
	brands []phrase
}

// CodeKind is what a text looks like.
type CodeKind uint8

// The kinds.
const (
	NoCode    CodeKind = iota
	SomeCode           // a one-time code, of nobody that is known
	BrandCode          // a one-time code of somebody else's service
)

// phrase is what a text may hold, in capitals. Where the script has no spaces between
// words it may stand anywhere.
type phrase struct {
	text  []byte
	whole bool // no letter or digit may touch it
}

// NewCodes makes a detector. A text that holds one of own, such as a tenant's own
// name, is nobody else's.
func NewCodes(own []string) *Codes {
	c := &Codes{words: phrases(codeWords()), brands: phrases(brandWords())}
	for _, word := range own {
		if word != "" {
			c.own = append(c.own, bytes.ToUpper([]byte(word)))
		}
	}
	return c
}

func phrases(list []string) (all []phrase) {
	for _, text := range list {
		upper := bytes.ToUpper([]byte(text))
		first, _ := utf8.DecodeRune(upper)
		all = append(all, phrase{upper, unicode.In(first, unicode.Latin, unicode.Cyrillic, unicode.Greek)})
	}
	return all
}

// Look judges a text in capitals. It allocates nothing and keeps nothing.
func (c *Codes) Look(upper []byte) CodeKind {
	if !holdsCode(upper) {
		return NoCode
	}
	if !holdsAny(upper, c.words) {
		return NoCode
	}
	for _, own := range c.own {
		if bytes.Contains(upper, own) {
			return NoCode
		}
	}
	if holdsAny(upper, c.brands) || bytes.Contains(upper, []byte("G-")) && holdsGoogle(upper) {
		return BrandCode
	}
	return SomeCode
}

const (
	shortestCode = 4
	longestCode  = 8
)

// holdsCode finds 4 to 8 digits that stand alone, perhaps in two halves with a dash or
// a space between them. An amount of money, a date or a number to call is none.
func holdsCode(text []byte) bool {
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		start, digits, breaks := i, 0, 0
		for i < len(text) {
			switch {
			case isDigit(text[i]):
				digits++
				i++
				continue
			case (text[i] == '-' || text[i] == ' ') && i+1 < len(text) && isDigit(text[i+1]) && digits >= 3:
				breaks++
				i++
				continue
			}
			break
		}
		if digits >= shortestCode && digits <= longestCode && breaks <= 1 && standsAlone(text, start, i) {
			return true
		}
	}
	return false
}

// standsAlone: no currency, decimal point, plus or letter touches the digits, but for
// a prefix such as G-.
func standsAlone(text []byte, from, to int) bool {
	before, size := utf8.DecodeLastRune(text[:from])
	after, _ := utf8.DecodeRune(text[to:])
	switch before {
	case '+', '.', ',', '/', '$', '€', '£', '₹':
		return false
	case '-':
		letter, _ := utf8.DecodeLastRune(text[:from-size])
		if !unicode.IsLetter(letter) {
			return false
		}
	}
	if unicode.IsLetter(before) && !unicode.In(before, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai) {
		return false
	}
	switch after {
	case '/', '%', '€', '$', '£', ':':
		return false
	case '.', ',':
		next, _ := utf8.DecodeRune(text[min(len(text), to+1):])
		return !unicode.IsDigit(next)
	}
	return !unicode.Is(unicode.Latin, after)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// holdsGoogle finds G- and six digits.
func holdsGoogle(text []byte) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte("G-"))
		if i < 0 {
			return false
		}
		digits := 0
		for at += i + 2; at < len(text) && isDigit(text[at]); at++ {
			digits++
		}
		if digits >= 5 && digits <= 7 {
			return true
		}
	}
}

func holdsAny(text []byte, list []phrase) bool {
	for i := range list {
		if list[i].in(text) {
			return true
		}
	}
	return false
}

func (p *phrase) in(text []byte) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], p.text)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(p.text)
		if !p.whole {
			return true
		}
		before, _ := utf8.DecodeLastRune(text[:from])
		after, _ := utf8.DecodeRune(text[to:])
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) && !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return true
		}
		_, size := utf8.DecodeRune(text[from:])
		at = from + size
	}
}
