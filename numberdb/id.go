package numberdb

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"
)

// ID names a session, lease or other record for good. It is 64 bits that sort by
// time: 42 of milliseconds since 2020 and 22 of chance. The text form has a
// prefix that says what it names, such as "ses_", and 13 letters and digits.
type ID uint64

// Prefixes of the text form.
const (
	SessionPrefix = "ses_"
)

const (
	idLength   = 13
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32, sorts as its values
	idChance   = 22
)

var idEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// ErrID says that a text names no record.
var ErrID = errors.New("expected an id: its prefix and 13 letters and digits")

// Text is the text form with a prefix.
func (id ID) Text(prefix string) string {
	var text [idLength]byte
	v := uint64(id)
	for i := idLength - 1; i >= 0; i-- {
		text[i] = idAlphabet[v&31]
		v >>= 5
	}
	return prefix + string(text[:])
}

// ParseID reads the text form with that prefix.
func ParseID(prefix, text string) (ID, error) {
	digits, found := strings.CutPrefix(text, prefix)
	if !found || len(digits) != idLength || digits[0] > 'f' {
		return 0, ErrID
	}
	var v uint64
	for i := range len(digits) {
		d := strings.IndexByte(idAlphabet, digits[i])
		if d < 0 {
			return 0, ErrID
		}
		v = v<<5 | uint64(d)
	}
	if v == 0 {
		return 0, ErrID
	}
	return ID(v), nil
}

// IDs makes IDs that grow. The zero IDs is ready; it may be used by many
// goroutines.
type IDs struct {
	mu   sync.Mutex
	last ID
}

// Next is an ID for now. Of one IDs each is greater than the one before, even if
// the clock goes back.
func (g *IDs) Next(now time.Time) ID {
	var chance [4]byte
	_, _ = rand.Read(chance[:]) // it never fails, says crypto/rand
	ms := max(0, now.Sub(idEpoch).Milliseconds())
	id := ID(ms)<<idChance | ID(binary.NativeEndian.Uint32(chance[:])>>(32-idChance))
	g.mu.Lock()
	defer g.mu.Unlock()
	if id <= g.last {
		id = g.last + 1
	}
	g.last = id
	return id
}
