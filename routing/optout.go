package routing

import (
	"slices"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Restrictions answers for opt-outs and blocks. *numberdb.Restrictions is one.
// Its methods never wait.
type Restrictions interface {
	// Blocked reports whether the operator allows no contact of party with mask.
	Blocked(tenant string, mask, party e164.Number) bool
	// OptedOut reports whether a party wants no messages of a tenant, or none
	// from this peer.
	OptedOut(tenant string, party e164.Number, peer Endpoint) bool
	// Note takes a change at once and stores it later. It returns false where
	// there are too many opt-outs for another one.
	Note(c numberdb.RestrictionChange) bool
}

// OptOutConfig says by which words a party ends messages and lets them come
// again. A word is a whole message, whatever its capitals, without spaces
// around it and a final full stop.
type OptOutConfig struct {
	Enabled bool
	Session bool                // an opt-out ends the one conversation, not all of the tenant
	Stop    map[string][]string // by calling code of the party, "default" for all of them
	Start   []string
	Help    []string      // that ask for help, where Replies have a text for it
	Replies []OptOutReply // what a party is sent for its word
}

// words are the opt-out words of all tenants, ready to be compared.
type words struct {
	standard vocabulary
	tenants  map[string]*vocabulary
	all      map[string]struct{} // of every vocabulary
	octets   int                 // a longer message is none of them
}

// vocabulary is one tenant's.
type vocabulary struct {
	session bool
	stop    map[string][]string // the calling codes in which a word counts; "" is all
	start   map[string]struct{}
	help    map[string]struct{}
	replies []OptOutReply
}

const (
	// Spaces that a word may have around it, in characters.
	wordMargin = 8
	// The longest form of a character in the alphabets of messages: UTF-16.
	wordOctets = 2
)

// newWords returns nil where no tenant has any.
func newWords(standard OptOutConfig, tenants map[string]OptOutConfig) *words {
	w := &words{tenants: map[string]*vocabulary{}, all: map[string]struct{}{}}
	w.standard = w.vocabulary(standard)
	for name, cfg := range tenants {
		v := w.vocabulary(cfg)
		w.tenants[name] = &v
	}
	if len(w.all) == 0 {
		return nil
	}
	return w
}

func (w *words) vocabulary(cfg OptOutConfig) vocabulary {
	v := vocabulary{session: cfg.Session, stop: map[string][]string{}, start: map[string]struct{}{}, help: map[string]struct{}{}, replies: cfg.Replies}
	if !cfg.Enabled {
		return v
	}
	for code, list := range cfg.Stop {
		if code == defaultCountry {
			code = ""
		}
		for _, word := range list {
			word = w.add(word)
			v.stop[word] = append(v.stop[word], code)
		}
	}
	for _, word := range cfg.Start {
		v.start[w.add(word)] = struct{}{}
	}
	for _, word := range cfg.Help {
		if slices.ContainsFunc(cfg.Replies, func(r OptOutReply) bool { return r.Help != "" }) {
			v.help[w.add(word)] = struct{}{}
		}
	}
	return v
}

func (w *words) add(word string) string {
	word = string(folded(nil, []byte(word)))
	w.all[word] = struct{}{}
	w.octets = max(w.octets, wordOctets*(len(word)+wordMargin))
	return word
}

func (w *words) of(tenant string) *vocabulary {
	if v, own := w.tenants[tenant]; own {
		return v
	}
	return &w.standard
}

// stops reports whether the word ends messages for a party of this number.
func (v *vocabulary) stops(word []byte, party e164.Number) bool {
	for _, code := range v.stop[string(word)] {
		if code == "" || party.HasPrefix(code) {
			return true
		}
	}
	return false
}

// judgeWords keeps a party's opt-out word for itself: the other end never gets
// it. A conversation that has ended still has its tenant. A word that lets
// messages come again is an ordinary one for a party that they reach anyway. What the
// edge writes for somebody is nobody's own word.
func (s *state) judgeWords(req *Request, plan *Plan) bool {
	if req.Text == nil || req.Part || req.Origin.Writes != WritesNothing || req.Text.Octets() > s.words.octets {
		return false
	}
	req.word = folded(req.word[:0], req.text())
	if _, known := s.words.all[string(req.word)]; !known {
		return false
	}
	b, status := s.table.Lookup(req.To, req.From, req.Now)
	if !status.Found() && status != numberdb.Ended || s.fromMask(req) {
		return false
	}
	v := s.words.of(b.Tenant)
	_, start := v.start[string(req.word)]
	_, help := v.help[string(req.word)]
	switch {
	case v.stops(req.word, req.From):
		plan.Verdict = OptOut
	case start && s.restrictions.OptedOut(b.Tenant, req.From, b.To):
		plan.Verdict = OptIn
	case help && v.reply(Help, req.From) != "":
		plan.Verdict = Help
	default:
		return false
	}
	plan.Mask, plan.Party, plan.Tenant, plan.peer = req.To, req.From, b.Tenant, b.To
	plan.Answer.Drop = true
	return true
}

// heed does what a party's word asks for, and has it answered where that is news: who
// has opted out already, an automaton perhaps, is not told again.
func (s *state) heed(req *Request, plan *Plan) {
	news := plan.Verdict != OptOut || !s.restrictions.OptedOut(plan.Tenant, plan.Party, plan.peer)
	if plan.Verdict != Help {
		s.note(req, plan)
	}
	if !news || s.replier == nil || plan.Verdict == OptOutFull || req.From == 0 || req.Origin.Carrier == "" || tollFree(plan.Mask) {
		return
	}
	if text := s.words.of(plan.Tenant).reply(plan.Verdict, plan.Party); text != "" {
		s.replier.Reply(Reply{Tenant: plan.Tenant, Carrier: req.Origin.Carrier, Mask: plan.Mask, Party: plan.Party, Word: plan.Verdict, Text: text})
	}
}

// note takes in what an opt-out word asked for. Where there is no room for it, the
// upstream is to keep the word.
func (s *state) note(req *Request, plan *Plan) {
	if req.From == 0 {
		return // nobody to remember
	}
	c := numberdb.RestrictionChange{Restriction: numberdb.Restriction{
		Kind: numberdb.OptOut, Tenant: plan.Tenant, Party: plan.Party, Since: req.Now.UTC().Truncate(time.Microsecond),
	}}
	if plan.Verdict == OptOut {
		if s.words.of(plan.Tenant).session {
			c.Peer = plan.peer
		}
		if !s.restrictions.Note(c) {
			plan.Verdict, plan.Answer = OptOutFull, Answer{}
		}
		return
	}
	c.Lifted = true
	if s.restrictions.OptedOut(plan.Tenant, plan.Party, Endpoint{}) {
		s.restrictions.Note(c)
	}
	if c.Peer = plan.peer; s.restrictions.OptedOut(plan.Tenant, plan.Party, plan.peer) {
		s.restrictions.Note(c)
	}
}
