package sip

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"maskline/sip/message"
)

// Register is our registration at a trunk.
type Register struct {
	// Enabled registers AuthOut.Username at CLI.Domain, else at the host of Addr. The
	// trunk then takes calls only while it is registered.
	Enabled bool
	// Expires is the life of a registration that we ask for. Zero: 10m.
	Expires time.Duration
}

const (
	defaultExpires  = 10 * time.Minute
	longestExpires  = 24 * time.Hour  // that a registrar's Min-Expires may ask for
	registerTimeout = 8 * time.Second // of one REGISTER at one address
	shortestRefresh = 5 * time.Second
	firstBackOff    = time.Second
	refusedBackOff  = 30 * time.Second // a password does not get right by asking often
	longestBackOff  = 2 * time.Minute
)

// registerOutcome is what came of a registration, as metrics name it.
type registerOutcome uint8

const (
	registerGranted registerOutcome = iota
	registerRemoved
	registerRefused
	registerUnauthorised // a challenge that was not answered, or not to its liking
	registerTimedOut     // no answer, or the address is unreachable
	registerOutcomes
)

func (o registerOutcome) String() string {
	return [registerOutcomes]string{"granted", "removed", "refused", "unauthorised", "timeout"}[o]
}

// registration keeps one trunk registered: a reducer over time and answers. It
// sends by returning what is to be sent. RFC 3261 §10.2.
type registration struct {
	trunk     *trunk
	tokens    *tokens
	index     uint64
	addresses []netip.AddrPort // of its registrars, in order; none: its name is not known yet

	at      int // the address in use
	failed  int // addresses that failed since the last success
	rounds  int // failures of all addresses in a row
	expires time.Duration
	cseq    uint32
	try     uint8 // answers to challenges of this REGISTER
	longer  bool  // a 423 was obeyed
	waiting bool
	leaving bool
	gone    bool
	message []byte
	seq     uint16
	every   time.Duration // until it is repeated
	repeat  time.Time
	giveUp  time.Time
	due     time.Time // of the next REGISTER
	until   time.Time // zero: not registered
	fate    func(o registerOutcome, code int)
}

// locate takes the registrars' addresses over, unless one is being asked.
func (r *registration) locate(addresses []netip.AddrPort) {
	if r.waiting || len(addresses) == 0 {
		return
	}
	at := 0
	if len(r.addresses) > 0 {
		at = max(slices.Index(addresses, r.addresses[r.at]), 0)
	}
	r.addresses, r.at = addresses, at
}

// sending is a message for a registrar.
type sending struct {
	to   netip.AddrPort
	data []byte
	seq  uint16
}

func newRegistration(t *trunk, ids *tokens, index int, addresses []netip.AddrPort, fate func(o registerOutcome, code int)) *registration {
	return &registration{trunk: t, tokens: ids, index: uint64(index), addresses: addresses, expires: t.Register.Expires, fate: fate}
}

var errRegister = errors.New("register: it needs addr and auth_out.username, which name the registrar and the account")

func (c *TrunkConfig) checkRegister() error {
	if c.Register.Enabled && (c.Addr == "" || c.AuthOut.Username == "") {
		return errRegister
	}
	return nil
}

// contact is the user of the Contact that we register: calls to it are for this
// trunk.
func (r *registration) contact() string {
	return r.tokens.String(token{call: r.index, kind: registerToken, leg: legA})
}

func (r *registration) registered(now time.Time) bool { return now.Before(r.until) }

// next is when tick has something to do.
func (r *registration) next() time.Time {
	if r.waiting {
		return sooner(r.repeat, r.giveUp, r.until)
	}
	return sooner(r.due, r.until)
}

// tick does what is due. chance is a lot between 0 and 1.
func (r *registration) tick(now time.Time, chance float64) *sending {
	if reached(r.until, now) {
		r.until = time.Time{}
	}
	switch {
	case r.gone:
		return nil
	case r.waiting && reached(r.giveUp, now):
		r.fail(registerTimedOut, 0, 0, now, chance)
	case r.waiting && reached(r.repeat, now):
		r.every = min(2*r.every, t2)
		r.repeat = now.Add(r.every)
		return r.send()
	case r.waiting:
		return nil
	}
	if reached(r.due, now) {
		return r.begin("", now)
	}
	return nil
}

// begin starts a REGISTER, or the next one of a challenge.
func (r *registration) begin(credentials string, now time.Time) *sending {
	t := r.trunk
	if len(r.addresses) == 0 {
		r.due = now.Add(firstBackOff)
		return nil
	}
	if credentials == "" {
		r.try = 0
		credentials = t.auth.again(authRegister, message.Register, r.uri(), r.cnonce())
	}
	r.cseq++
	r.seq++
	r.waiting, r.due, r.every = true, time.Time{}, t1
	r.repeat, r.giveUp = now.Add(t1), now.Add(registerTimeout)
	if t.over.reliable() {
		r.repeat = time.Time{} // its connection carries it, or breaks
	}
	_, own := t.from(r.addresses[r.at].Addr())
	expires := r.expires
	if r.leaving {
		expires = 0
	}
	d := message.Draft{
		Method: message.Register, Via: sentBy(own), Transport: t.over.via(), CSeq: r.cseq, MaxForwards: maxForwards,
		Branch: r.tokens.branch(token{call: r.index, kind: registerToken, seq: r.seq}),
		Dialog: &message.Dialog{
			CallID: r.tokens.String(token{call: r.index, kind: registerToken, leg: legA - 1}), LocalURI: r.account(), RemoteURI: r.account(),
			Target: r.uri(), LocalTag: r.tokens.String(token{call: r.index, kind: registerToken, leg: legA - 2, seq: r.seq}),
		},
		Contact: r.contact() + "@" + own, Expires: strconv.Itoa(int(expires / time.Second)), Credentials: credentials,
	}
	r.message = d.Append(nil)
	return r.send()
}

func (r *registration) send() *sending { return &sending{r.addresses[r.at], r.message, r.seq} }

// account is our address of record, and uri the registrar's.
func (r *registration) account() string {
	b := message.LegB{CLI: &message.CLI{}, User: r.trunk.AuthOut.Username, Host: r.domain()}
	return b.Callee()
}

func (r *registration) uri() string { return "sip:" + r.domain() }

func (r *registration) domain() string {
	if r.trunk.CLI.Domain != "" {
		return r.trunk.CLI.Domain
	}
	return r.trunk.host
}

func (r *registration) cnonce() string {
	return r.tokens.String(token{call: r.index, kind: cnonceToken, leg: legA, seq: r.seq + 1})
}

// answer is the registrar's. Provisional ones change nothing: a registrar need not
// think for long.
func (r *registration) answer(res *message.Response, seq uint16, now time.Time, chance float64) *sending {
	if !r.waiting || seq != r.seq || res.Code < 200 {
		return nil
	}
	switch {
	case res.Code < 300:
		r.succeed(res, now, chance)
	case res.Code == 401 || res.Code == 407:
		line, stale, ok := r.trunk.auth.answer(authRegister, res, message.Register, r.uri(), r.cnonce())
		if ok && (r.try == 0 || stale && r.try < mostTry) {
			r.try++
			return r.begin(line, now)
		}
		r.fail(registerUnauthorised, res.Code, 0, now, chance)
	case res.Code == 423 && !r.longer && res.MinExpires() > r.expires && res.MinExpires() <= longestExpires:
		r.longer, r.expires = true, res.MinExpires()
		return r.begin("", now)
	case res.Code >= 500 && res.Code < 600, res.Code == 408:
		r.fail(registerTimedOut, res.Code, min(res.RetryAfter, longestBackOff), now, chance)
	default:
		r.fail(registerRefused, res.Code, 0, now, chance)
	}
	if reached(r.due, now) {
		return r.begin("", now)
	}
	return nil
}

func (r *registration) succeed(res *message.Response, now time.Time, chance float64) {
	r.waiting = false
	if r.leaving {
		r.gone, r.until = true, time.Time{}
		r.fate(registerRemoved, res.Code)
		return
	}
	granted := res.Granted(r.contact())
	if granted <= 0 {
		r.fail(registerRefused, res.Code, 0, now, chance)
		return
	}
	r.failed, r.rounds, r.longer = 0, 0, false
	granted = min(granted, longestExpires)
	r.until = now.Add(granted)
	const early, spread = 0.75, 0.15
	r.due = now.Add(max(time.Duration((early+spread*chance)*float64(granted)), min(shortestRefresh, granted/2), time.Second))
	r.fate(registerGranted, res.Code)
}

// fail turns to the next address, and after the last one waits: each time twice as
// long, by a lot. code is that of the answer, 0 where there is none.
func (r *registration) fail(o registerOutcome, code int, atLeast time.Duration, now time.Time, chance float64) {
	r.waiting, r.longer = false, false
	r.fate(o, code)
	if r.leaving {
		r.gone = true
		return
	}
	r.at = (r.at + 1) % len(r.addresses)
	if r.failed++; r.failed < len(r.addresses) && o == registerTimedOut {
		r.due = now
		return
	}
	r.failed = 0
	pause := firstBackOff
	if o != registerTimedOut {
		pause = refusedBackOff
	}
	pause = min(pause<<min(r.rounds, 10), longestBackOff)
	r.rounds++
	r.due = now.Add(max(time.Duration((1+chance)/2*float64(pause)), atLeast))
}

// unreachable is the word that the latest REGISTER could not be delivered.
func (r *registration) unreachable(seq uint16, now time.Time, chance float64) {
	if r.waiting && seq == r.seq {
		r.fail(registerTimedOut, 0, 0, now, chance)
	}
}

// leave takes the binding away.
func (r *registration) leave(now time.Time) *sending {
	if r.gone || r.leaving {
		return nil
	}
	r.leaving = true
	if len(r.addresses) == 0 || !r.registered(now) && !r.waiting {
		r.gone = true
		return nil
	}
	return r.begin("", now)
}
