package auth

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"maskline/api/problem"
	"maskline/numberdb"
	"maskline/seal"
)

// Token is an access token of RFC 6749. It stands for a key for a short time, with
// some of the key's scopes; what ends the key ends it.
type Token struct {
	Text   string
	Life   time.Duration
	Scopes []Scope
}

// ErrScope says that a token was asked for with scopes that its key does not have.
var ErrScope = errors.New("expected scopes of the key")

const (
	tokenPrefix  = "at_"
	tokenLife    = 15 * time.Minute
	tokenVersion = 1
	tokenHead    = 1 + 8 + 8 // version, id of the key, end in seconds since 1970
	mostToken    = 2048      // characters; all scopes are some 400
)

// Client recognises an OAuth client, which is a key with its id and its text. What
// fails counts against the source, which is address and port.
func (k *Keys) Client(source, id, text string) (*Identity, error) {
	ring := k.known.Load()
	if ring == nil {
		return nil, problem.Unavailable()
	}
	if e := ring.find(text); e == nil || e.identity.Key != id {
		return nil, k.unknown(source)
	}
	return k.byKey(ring, source, text)
}

// Issue makes a token for a client that was recognised. No scopes are all that the key
// has. The error is ErrScope or a *problem.Error.
func (k *Keys) Issue(who *Identity, scopes []Scope) (Token, error) {
	ring := k.known.Load()
	id, err := numberdb.ParseID(numberdb.KeyPrefix, who.Key)
	if err != nil || ring.codes == nil || ring.byID[id] == nil {
		return Token{}, problem.Unavailable()
	}
	if len(scopes) == 0 {
		scopes = who.Scopes
	}
	for _, scope := range scopes {
		if !slices.Contains(who.Scopes, scope) {
			return Token{}, ErrScope
		}
	}
	now := k.now()
	t := Token{Life: tokenLife, Scopes: scopes}
	if end := ring.byID[id].Expires; !end.IsZero() {
		t.Life = max(0, min(t.Life, end.Sub(now))).Truncate(time.Second)
	}
	t.Text = sealToken(ring.codes, id, now.Add(t.Life), scopes)
	k.metrics.tokens.Inc()
	return t, nil
}

// sealToken writes a token: its content is no secret, and nobody without the store's
// data key makes its code.
func sealToken(codes *seal.MAC, id numberdb.ID, end time.Time, scopes []Scope) string {
	data := make([]byte, 0, 512)
	data = append(data, tokenVersion)
	data = binary.BigEndian.AppendUint64(data, uint64(id))
	data = binary.BigEndian.AppendUint64(data, uint64(end.Unix()))
	for i, scope := range scopes {
		if i > 0 {
			data = append(data, ' ')
		}
		data = append(data, scope...)
	}
	code := codes.Sum(data)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(data, code[:]...))
}

// openToken reads what sealToken wrote.
func openToken(codes *seal.MAC, text string) (id numberdb.ID, end time.Time, scopes string, ok bool) {
	if codes == nil || len(text) > mostToken {
		return 0, end, "", false
	}
	// Strict: no two texts are one token.
	data, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, tokenPrefix))
	if err != nil || len(data) < tokenHead+seal.MACSize {
		return 0, end, "", false
	}
	data, code := data[:len(data)-seal.MACSize], data[len(data)-seal.MACSize:]
	if !codes.Is(code, data) || data[0] != tokenVersion {
		return 0, end, "", false
	}
	id = numberdb.ID(binary.BigEndian.Uint64(data[1:]))
	return id, time.Unix(int64(binary.BigEndian.Uint64(data[9:])), 0), string(data[tokenHead:]), true
}

// byToken tells whose token it is. One that is over is nobody's guess.
func (k *Keys) byToken(ring *keyring, source, text string) (*Identity, error) {
	id, end, scopes, ok := openToken(ring.codes, text)
	if !ok {
		return nil, k.unknown(source)
	}
	e, now := ring.byID[id], k.now()
	if e == nil || !k.valid(e, now) || !now.Before(end) {
		k.metrics.refused.over.Inc()
		return nil, &problem.Error{Code: problem.Unauthorized, Detail: "The token is over, or its key is."}
	}
	e.used.Store(now.UnixMicro())
	who := e.identity
	who.Scopes = nil
	for name := range strings.FieldsSeq(scopes) {
		if e.identity.May(Scope(name)) { // the key may have less by now
			who.Scopes = append(who.Scopes, Scope(name))
		}
	}
	return &who, nil
}
