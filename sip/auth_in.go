package sip

import (
	crand "crypto/rand"
	"crypto/subtle"
	"errors"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"maskline/sip/message"
)

// AuthIn is the digest that a trunk's requests must carry.
type AuthIn struct {
	// Username and Password; an empty name: the source address is enough.
	Username, Password string
}

// Auth is what all trunks with AuthIn have in common.
type Auth struct {
	// Realm that we ask for. Empty: "maskline".
	Realm string
	// Algorithms that we offer, the preferred one first: "sha-256", "md5". Nil: both.
	Algorithms []string
	// Failures of one source within Per after which its credentials are no longer
	// looked at for the rest of it. Only answers to a nonce that this very source
	// was given count, so that nobody can have another one locked. Zero: 10.
	Failures int
	// TrunkFailures of one trunk within Per, by sources that it is not known by,
	// after which such sources are refused. Zero: 50.
	TrunkFailures int
	// Per is the period. Zero: 1m.
	Per time.Duration
}

const (
	defaultRealm         = "maskline"
	defaultFailures      = 10
	defaultTrunkFailures = 50
	defaultAuthPer       = time.Minute

	// nonceLife is how long a nonce may be answered.
	nonceLife = 5 * time.Minute
)

// authVerdict is what came of a request's credentials, as metrics name it.
type authVerdict uint8

const (
	authAccepted authVerdict = iota
	authAsked                // there were none
	authStale                // an old nonce, one of another source, or one that was used already
	authWrong                // another user or password
	authMalformed
	authURI // made for another request
	authSourceLocked
	authTrunkLocked
	authVerdicts
)

var authNames = [authVerdicts]string{
	"accepted", "asked", "stale", "wrong", "malformed", "uri", "source_locked", "trunk_locked",
}

func (v authVerdict) String() string { return authNames[v] }

// guard judges credentials. It keeps nothing of a nonce before an answer to it was
// right, so strangers cannot make it grow.
type authGuard struct {
	cfg     Auth
	key     [32]byte
	serial  atomic.Uint64
	sources *authSources
	owners  *authOwners
	nobody  *message.DigestUser // whom unknown users are compared with
	offered []message.Algorithm
}

func newAuthGuard(cfg Auth) *authGuard {
	setDefault(&cfg.Realm, defaultRealm)
	setDefault(&cfg.Failures, defaultFailures)
	setDefault(&cfg.TrunkFailures, defaultTrunkFailures)
	setDefault(&cfg.Per, defaultAuthPer)
	g := &authGuard{cfg: cfg, sources: newAuthSources(cfg), owners: newAuthOwners()}
	if cfg.Algorithms == nil {
		g.offered = message.Algorithms()
	}
	for _, name := range cfg.Algorithms {
		for _, a := range message.Algorithms() {
			if strings.EqualFold(name, a.String()) {
				g.offered = append(g.offered, a)
			}
		}
	}
	_, _ = crand.Read(g.key[:]) // never fails
	g.nobody = message.NewDigestUser("", string(g.key[:]), cfg.Realm)
	return g
}

// guarded is what a trunk keeps of its own digest.
type guarded struct {
	user    *message.DigestUser
	guesses guesses
	replays replays
}

// forTrunk makes what a trunk keeps, nil where it asks for no digest.
func (g *authGuard) forTrunk(t *trunk) (*guarded, error) {
	switch {
	case !isQuotable(t.AuthIn.Username) || !isQuotable(g.cfg.Realm):
		return nil, errQuotes
	case t.AuthIn.Username == "":
		return nil, nil //nolint:nilnil // a trunk without a digest
	case t.AuthIn.Password == "":
		return nil, errors.New("there is a user without a password")
	}
	return &guarded{user: message.NewDigestUser(t.AuthIn.Username, t.AuthIn.Password, g.cfg.Realm)}, nil
}

// judge finds the trunk that a request's credentials are for, among those that
// allow its source. first is the one that the source alone would choose.
func (g *authGuard) judge(all []*trunk, first *trunk, req *message.Request, now time.Time) (*trunk, authVerdict) {
	c, verdict := g.credentials(req)
	if verdict != authAccepted {
		if first.digest == nil {
			return first, authAccepted // credentials for somebody else are nothing to us
		}
		return first, verdict
	}
	t := first
	for _, candidate := range all {
		if d := candidate.digest; d != nil && candidate.isPlain() && d.user.Name == c.Username {
			t = candidate
			break
		}
	}
	if t.digest == nil {
		return t, authAccepted
	}
	return t, g.prove(t, &c, req, now)
}

// credentials are those for our realm. RFC 3261 §22.1.
func (g *authGuard) credentials(req *message.Request) (message.Credentials, authVerdict) {
	verdict := authAsked
	for _, value := range req.Credentials() {
		c, err := message.ParseCredentials(value)
		switch {
		case err != nil:
			verdict = authMalformed
		case c.Realm == g.cfg.Realm && slices.Contains(g.offered, c.Algorithm):
			return c, authAccepted
		}
	}
	return message.Credentials{}, verdict
}

// prove holds credentials against a trunk's. The nonce comes first: one that this
// source was not given says nothing about the password, and costs no lock.
func (g *authGuard) prove(t *trunk, c *message.Credentials, req *message.Request, now time.Time) authVerdict {
	source := req.Source.Addr()
	issued, serial, ok := g.open(c.Nonce, source)
	switch {
	case !ok || now.Sub(issued) > nonceLife || issued.After(now):
		return authStale
	case !req.IsFor(c.URI):
		return authURI
	case g.sources.locked(source, now):
		return authSourceLocked
	}
	user := t.digest.user
	if c.Username != user.Name {
		user = g.nobody
	}
	want := user.Response(c, req.Method)
	same := subtle.ConstantTimeCompare([]byte(want), []byte(c.Response)) == 1
	if verdict := t.digest.guesses.judge(t.trusts(source), source, same, &g.cfg, now); verdict != authAccepted {
		if verdict == authWrong {
			g.sources.failed(source, now)
		}
		return verdict
	}
	if !t.digest.replays.use(serial, issued, c.Count, transactionHash(req), now) {
		return authStale
	}
	g.owners.note(source, t.Name)
	return authAccepted
}

// trusts reports whether a source is named by the trunk's own networks, or is at
// its name; a list of everybody names nobody.
func (t *trunk) trusts(source netip.Addr) bool {
	for _, p := range t.allow {
		if p.Bits() > 0 && p.Contains(source) {
			return true
		}
	}
	return t.isAtName(source)
}

// challenge is the 401: a nonce of its own for each algorithm, the preferred one
// first. RFC 8760 §2.1. All verdicts but a stale nonce look alike.
func (g *authGuard) challenge(verdict authVerdict, source netip.Addr, now time.Time) message.Reply {
	var lines []string
	for _, a := range g.offered {
		c := message.Challenge{Realm: g.cfg.Realm, Nonce: g.nonce(source, now), Algorithm: a, Stale: verdict == authStale}
		lines = append(lines, c.Line())
	}
	return message.Reply{Code: 401, Header: strings.Join(lines, "\r\n")}
}

// transactionHash tells a repeated request from another one with the same nc.
func transactionHash(req *message.Request) uint64 {
	if req.Method == message.Invite {
		return 0 // a repeated INVITE finds its call before it comes here
	}
	h := fnv.New64a()
	for _, text := range []string{req.Branch, req.CallID, req.Method} {
		_, _ = h.Write([]byte(text))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64() | 1
}

// authorize asks for a trunk's digest. It returns the trunk that the request is
// for, nil where it was answered.
func (e *Edge) authorize(s *socket, t *trunk, req *message.Request) *trunk {
	var all []*trunk // beside the one that a certificate names there is none
	if t.isPlain() {
		all = e.set().matcher.all(req.Source)
	}
	if len(all) < 2 && t.digest == nil {
		return t
	}
	now := e.now()
	owner, verdict := e.auth.judge(all, t, req, now)
	if owner.digest != nil {
		owner.state.metrics.auth[verdict].Inc()
	}
	switch verdict {
	case authAccepted:
		return owner
	case authSourceLocked, authTrunkLocked:
		e.reply(s, owner, req, message.Reply{Code: 403})
	default:
		e.reply(s, owner, req, e.auth.challenge(verdict, req.Source.Addr(), now))
	}
	return nil
}
