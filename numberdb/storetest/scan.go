package storetest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"unicode/utf16"

	"maskline/e164"
)

// RealNumbers are n numbers of people that stand nowhere by chance.
func RealNumbers(n int) []e164.Number {
	random := rand.New(rand.NewPCG(19, 23))
	all := make([]e164.Number, 0, n)
	for seen := map[e164.Number]bool{}; len(all) < n; {
		number := e164.MustParse("447" + strconv.Itoa(1e8+random.IntN(9e8)))
		if !seen[number] {
			seen[number] = true
			all = append(all, number)
		}
	}
	return all
}

// Scanner finds numbers in whatever form a store or its dump might hold them.
type Scanner struct {
	byLength map[int]map[string]int // form to index in numbers
	begins   [1 << 16]bool          // by the hash of a form's first four octets
}

// NewScanner is a scanner for the numbers.
func NewScanner(numbers []e164.Number) *Scanner {
	s := &Scanner{byLength: map[int]map[string]int{}}
	for i, n := range numbers {
		for _, form := range Forms(n) {
			if s.byLength[len(form)] == nil {
				s.byLength[len(form)] = map[string]int{}
			}
			s.byLength[len(form)][form] = i
			s.begins[begin([]byte(form))] = true
		}
	}
	return s
}

// Found is how many of the numbers stand in data.
func (s *Scanner) Found(data []byte) int {
	found := make(map[int]bool)
	for at := 0; at+4 <= len(data); at++ {
		if !s.begins[begin(data[at:])] {
			continue
		}
		for length, forms := range s.byLength {
			if at+length > len(data) {
				continue
			}
			if i, ok := forms[string(data[at:at+length])]; ok {
				found[i] = true
			}
		}
	}
	return len(found)
}

// begin is a hash of four octets.
func begin(octets []byte) uint16 {
	return uint16(binary.LittleEndian.Uint32(octets) * 0x9E3779B1 >> 16)
}

// Forms are the octets of a number as text (ASCII, UTF-16), as integers (the
// packed form and the plain value, both ways round), in semi-octets, and of
// these what a dump writes: decimal, hexadecimal, base64.
func Forms(n e164.Number) []string {
	digits := n.AppendDigits(nil)
	var forms []string
	var utf16le, utf16be []byte
	for _, unit := range utf16.Encode([]rune(string(digits))) {
		utf16le = binary.LittleEndian.AppendUint16(utf16le, unit)
		utf16be = binary.BigEndian.AppendUint16(utf16be, unit)
	}
	value, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic("storetest: a number has other digits than digits")
	}
	var swapped, straight []byte
	for i := 0; i+1 < len(digits); i += 2 {
		swapped = append(swapped, digits[i+1]<<4|digits[i]&0xF)
		straight = append(straight, digits[i]<<4|digits[i+1]&0xF)
	}
	const shortest = 6 // of the octets of a value: SQLite leaves out leading zeros
	for _, octets := range [][]byte{
		digits, utf16le, utf16be,
		binary.BigEndian.AppendUint64(nil, uint64(n)), binary.LittleEndian.AppendUint64(nil, uint64(n)),
		binary.BigEndian.AppendUint64(nil, value)[8-shortest:], binary.LittleEndian.AppendUint64(nil, value)[:shortest],
		swapped, straight,
	} {
		forms = append(forms, string(octets), hex.EncodeToString(octets))
		for skip := range 3 { // base64 of a text in which it stands anywhere
			if inner := octets[min(skip, len(octets)):]; len(inner) >= shortest {
				forms = append(forms, base64.StdEncoding.EncodeToString(inner[:len(inner)/3*3]))
			}
		}
	}
	return append(forms, strconv.FormatUint(uint64(n), 10))
}
