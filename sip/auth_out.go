package sip

import (
	"errors"
	"strings"
	"sync"

	"maskline/sip/message"
)

// AuthOut is the digest that answers a trunk's challenges.
type AuthOut struct {
	// Username and Password; an empty name: no challenge is answered.
	Username, Password string
	// Realm that must ask: a challenge may be passed on to us from anywhere behind
	// the trunk, and whoever gets an answer can guess at the password. Empty: the
	// host of the trunk's Addr.
	Realm string
}

// authPurpose tells the challenges of registrars from those of the way of calls.
type authPurpose uint8

const (
	authCalls authPurpose = iota
	authRegister
	authPurposes
)

// authorizer writes a trunk's credentials. The latest challenge is kept, so that
// the next request carries its answer at once.
type authorizer struct {
	user *message.DigestUser

	mu    sync.Mutex
	known [authPurposes]knownChallenge
}

type knownChallenge struct {
	message.Challenge
	proxy bool // a 407 asked
	count uint32
}

var errQuotes = errors.New("quotes, backslashes and control characters do not stand in a digest's user or realm")

func newAuthorizer(cfg AuthOut, host string) (*authorizer, error) {
	if cfg.Username == "" {
		return nil, nil //nolint:nilnil // a trunk without credentials
	}
	if cfg.Realm == "" {
		cfg.Realm = host
	}
	if !isQuotable(cfg.Username) || !isQuotable(cfg.Realm) {
		return nil, errQuotes
	}
	return &authorizer{user: message.NewDigestUser(cfg.Username, cfg.Password, cfg.Realm)}, nil
}

func isQuotable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7F || r == '"' || r == '\\' })
}

// answer is the header line that answers a challenge; false where it asks for
// nothing that we give: another realm, an algorithm or quality of protection
// that we don't speak.
func (a *authorizer) answer(p authPurpose, res *message.Response, method, uri, cnonce string) (line string, stale, ok bool) {
	if a == nil || res.Code != 401 && res.Code != 407 {
		return "", false, false
	}
	for _, value := range res.Challenges() { // the first one that we speak, RFC 8760 §2.3
		c, err := message.ParseChallenge(value)
		if err != nil || c.Realm != a.user.Realm {
			continue
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		k := &a.known[p]
		if k.Nonce != c.Nonce || k.Algorithm != c.Algorithm {
			k.count = 0
		}
		k.Challenge, k.proxy = c, res.Code == 407
		return a.line(k, method, uri, cnonce), c.Stale, true
	}
	return "", false, false
}

// again is the header line for a request that nobody has challenged yet, by the
// latest challenge to one like it; empty where there is none.
func (a *authorizer) again(p authPurpose, method, uri, cnonce string) string {
	if a == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := &a.known[p]; k.Nonce != "" {
		return a.line(k, method, uri, cnonce)
	}
	return ""
}

func (a *authorizer) line(k *knownChallenge, method, uri, cnonce string) string {
	k.count++
	c := message.Credentials{
		Username: a.user.Name, Realm: k.Realm, Nonce: k.Nonce, URI: uri, Opaque: k.Opaque,
		Algorithm: k.Algorithm, QOP: k.QOP, Count: k.count, CNonce: cnonce,
	}
	c.Response = a.user.Response(&c, method)
	return c.Line(k.proxy)
}
