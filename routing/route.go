package routing

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Table answers for the bindings. numberdb.Table is one.
type Table interface {
	// Lookup finds the binding of (mask, party), else the mask's public one.
	Lookup(mask, party e164.Number, now time.Time) (numberdb.Binding, numberdb.Status)
	// IsMask reports whether any binding, live or ended, has this mask.
	IsMask(n e164.Number) bool
}

// Origin is the peer that a request came from. It is made once per peer.
// Either Carrier or Tenant is set.
type Origin struct {
	Carrier string // a carrier's bind or trunk
	Tenant  string // a tenant's account or SIP peer
	Country string // ISO 3166 code, selects the emergency strings; may be empty
	// CallingCode is the country's, by which short codes are known; 0: none are.
	CallingCode uint16
	// Writes is set where it is the edge that writes for the tenant, which may then be
	// the operator itself, without a name.
	Writes Writes
}

// Writes says for whom the edge itself writes a message.
type Writes uint8

// What the edge may write.
const (
	WritesNothing Writes = iota // a peer brings it
	WritesFor                   // for a participant of one of the tenant's sessions, to the mask that this one dials
	WritesReply                 // to a party's opt-out word or call for help, from the mask that it wrote to, by Origin.Carrier
	WritesOwn                   // for the tenant itself, from a mask that whoever asks has looked at, to a party
)

// Contacts counts the messages and calls of sessions that end by them.
type Contacts interface {
	// Contact counts one, and reports whether it may still happen. Mask and shown are
	// those of the binding: one of them may be a reply slot. It never waits.
	Contact(session numberdb.ID, mask, shown e164.Number, now time.Time) bool
}

// Witness hears of contacts, for tenants that want to be told.
type Witness interface {
	// Refused hears of a contact of somebody that the rules have refused or thrown away;
	// opt-out words, and what no carrier could take, are none. It never waits, and allocates nothing where
	// nobody wants to be told. The plan is valid until it returns.
	Refused(service Service, plan *Plan)
}

// Request is one message or call to be routed.
type Request struct {
	Service Service // exactly one
	Origin  *Origin
	Dialled []byte      // the dialled string as it came; emergency strings are compared with it
	To      e164.Number // Dialled as a number or a short code of the origin's country; none where it is neither
	From    e164.Number // none where withheld or alphanumeric; a short code where a tenant may send from it
	Seed    uint64      // equal seeds order equal carriers alike: segments of one message
	Now     time.Time
	// Uncounted: it is no contact of its own, as one of the two sides of one call.
	Uncounted bool

	// Of messages; a call leaves them empty.
	Sender      []byte // the sender as it came
	Named       bool   // the sender is alphanumeric
	Text        Text   // nil: no rule on texts is met
	Part        bool   // one segment of several, so that its text is no whole message
	Fingerprint uint64 // keyed hash of addresses and content, for Router.Delivered; 0: none

	decoded, raised   bool // utf8 and upper are of this request
	utf8, upper, word []byte
}

// MaxCandidates is how many carriers one plan can hold.
const MaxCandidates = 16

// Plan is what Decide found. Plans are reused: Decide overwrites all of it.
type Plan struct {
	Verdict   Verdict
	Answer    Answer // for verdicts other than Forward: what the policy or rule says to answer
	Mask      e164.Number
	Party     e164.Number // who is on the other side of the mask; none where unknown
	Present   e164.Number // the sender or caller that the destination sees; through a carrier, see Presented
	To        Endpoint
	Tenant    string
	Outbound  bool        // a tenant's own mask towards a party
	Public    bool        // by the mask's public binding
	Emergency bool        // to the emergency trunk: caller and dialled string go out as they came
	Session   numberdb.ID // of the binding, which may have ended; none: it was made by hand, or there is none
	Former    string      // the tenant of a binding that has ended

	public     numberdb.ID // the session whose public mask it is; none: another binding
	session    numberdb.ID // counts its contacts; none: it does not
	shown      e164.Number // what the binding presents
	second     e164.Number // presented where Present may not be; none: there is none
	peer       Endpoint    // the other end, as the receiver's opt-out would name it
	preferred  []string    // the binding's own carriers
	candidates [MaxCandidates]candidate
	count      int
}

// Carriers is the number of candidate carriers.
func (p *Plan) Carriers() int { return p.count }

// Carrier is the i-th candidate, best first.
func (p *Plan) Carrier(i int) *Carrier { return p.candidates[i].carrier }

// Presented is the sender or caller that the destination sees through the i-th
// candidate: Present, or the binding's second mask.
func (p *Plan) Presented(i int) e164.Number { return p.candidates[i].present }

// Cost is what a unit costs through the i-th candidate, in millionths; 0 where there
// is none.
func (p *Plan) Cost(i int) uint64 {
	if i < 0 || i >= p.count {
		return 0
	}
	return p.candidates[i].cost
}

// Presents reports whether a number is the one that the destination sees through
// some carrier.
func (p *Plan) Presents(n e164.Number) bool {
	return n == p.Present || n == p.second && n != 0
}

// Decide makes the plan for a request by the chain of rules. An opt-out word
// takes effect.
func (r *Router) Decide(req *Request, plan *Plan) {
	*plan = Plan{}
	s := r.state.Load()
	req.begin()
	decided := s.run(req, plan)
	if plan.session != 0 && plan.Verdict == Forward && !req.Uncounted && s.contacts != nil && !s.contacts.Contact(plan.session, plan.Mask, plan.shown, req.Now) {
		plan.Verdict, plan.Answer, plan.count = Ended, s.answers.ended, 0
	}
	if plan.Verdict == OptOut || plan.Verdict == OptIn || plan.Verdict == Help {
		s.heed(req, plan)
	}
	if decided < len(s.steps) {
		s.steps[decided].count[actionOf(req, plan)].Inc()
	}
	if s.witness != nil && plan.Verdict.isRefusal() && req.Origin.Writes == WritesNothing {
		s.witness.Refused(req.Service, plan)
	}
	r.count(req.Service, plan.Verdict)
}

// Delivered tells that a message went on its way to the end by the plan's candidate
// at this place; -1: by no carrier. The rule against loops knows it by its
// fingerprint then.
func (r *Router) Delivered(plan *Plan, by int, fingerprint uint64, now time.Time) {
	s := r.state.Load()
	if s.echoes != nil {
		s.echoes.add(fingerprint, now)
	}
	if s.usage != nil {
		s.usage.Sent(plan.Tenant, plan.Cost(by), now)
	}
}

// Talked tells that a call of a tenant has ended, which had an answer, through a
// carrier of this cost a minute; 0: through none.
func (r *Router) Talked(tenant string, cost uint64, talked time.Duration, now time.Time) {
	if u := r.state.Load().usage; u != nil {
		u.Talked(tenant, cost, talked, now)
	}
}

// bind finds the binding that the request is about.
func bind(table Table, req *Request, plan *Plan) Verdict {
	if req.To == 0 {
		return UnknownMask
	}
	if req.Origin.Writes != WritesNothing {
		return bindWritten(table, req, plan)
	}
	return bindBrought(table, req, plan)
}

// bindWritten is the edge writing for a tenant. For a participant it takes the way
// of what this one would write; for the tenant itself there is no binding, and a
// party that is a mask is refused by the rule against loops.
func bindWritten(table Table, req *Request, plan *Plan) Verdict {
	if req.Origin.Writes == WritesFor {
		if !table.IsMask(req.To) {
			return UnknownMask
		}
		if v := bindBrought(table, req, plan); v != Forward || plan.Tenant == req.Origin.Tenant && !plan.Public {
			return v
		}
		*plan = Plan{Mask: plan.Mask, Party: plan.Party}
		return NotAllowed
	}
	if req.From == 0 || req.To.IsShortCode() {
		return UnknownMask
	}
	plan.Mask, plan.Party, plan.Outbound = req.From, req.To, true
	plan.Tenant, plan.Present = req.Origin.Tenant, req.From
	plan.To = Endpoint{Kind: ToNumber, Number: req.To}
	if req.Origin.Writes == WritesReply {
		plan.preferred = []string{req.Origin.Carrier}
	}
	return Forward
}

func bindBrought(table Table, req *Request, plan *Plan) Verdict {
	if req.Origin.Tenant != "" && !req.To.IsShortCode() && !table.IsMask(req.To) {
		return bindOutbound(table, req, plan)
	}
	plan.Mask, plan.Party = req.To, req.From
	b, status := table.Lookup(req.To, req.From, req.Now)
	if !status.Found() {
		if status == numberdb.Ended {
			plan.Former, plan.Session = b.Tenant, b.Session
		}
		return verdictOf(status)
	}
	plan.adopt(&b)
	plan.peer = Endpoint{Kind: ToNumber, Number: req.From}
	if plan.Public = status == numberdb.Public; plan.Public {
		plan.public = b.Session
	}
	if !b.Services.Has(req.Service) || req.Service == Voice && req.To.IsShortCode() {
		return ServiceOff
	}
	return Forward
}

// bindOutbound is a tenant writing or calling from its own mask to a party: it
// holds the mask for this very party, or the mask is a public one of its own.
func bindOutbound(table Table, req *Request, plan *Plan) Verdict {
	if !table.IsMask(req.From) {
		return UnknownMask
	}
	if req.Service == Voice && req.From.IsShortCode() {
		return ServiceOff
	}
	plan.Mask, plan.Party, plan.Outbound = req.From, req.To, true
	b, status := table.Lookup(req.From, req.To, req.Now)
	if !status.Found() {
		return verdictOf(status)
	}
	if b.Tenant != req.Origin.Tenant {
		return NotAllowed
	}
	plan.adopt(&b)
	if !b.Services.Has(req.Service) {
		return ServiceOff
	}
	plan.Present, plan.second = req.From, 0
	plan.To = Endpoint{Kind: ToNumber, Number: req.To}
	return Forward
}

func (p *Plan) adopt(b *numberdb.Binding) {
	p.Present, p.second, p.To, p.Tenant, p.peer = b.Present, b.Second, b.To, b.Tenant, b.To
	p.preferred, p.Session = b.Carriers, b.Session
	if b.Counted {
		p.session, p.shown = b.Session, b.Present
	}
}

func verdictOf(s numberdb.Status) Verdict {
	switch s {
	case numberdb.OutOfSession:
		return OutOfSession
	case numberdb.Ended:
		return Ended
	default:
		return UnknownMask
	}
}
