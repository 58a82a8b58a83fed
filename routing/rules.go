package routing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// RuleConfig is a rule of the operator's own. A condition that is not set is
// met by everything; all that are set must be met.
type RuleConfig struct {
	Name      string
	Tenant    string    // of the binding
	Direction Direction // AnyDirection: both
	Senders   []string  // digits that a number begins with, or one of the Sender… words
	Text      []string  // words, or a pattern between slashes; a call has none
	Drop      bool      // acknowledge the message and send it nowhere, instead of refusing it
	Status    uint32    // command_status for accounts; 0: that of the verdict
}

// Direction is which way a contact goes.
type Direction uint8

// The directions.
const (
	AnyDirection Direction = iota
	Inbound                // to a mask
	Outbound               // from a tenant's own mask to a party
)

// What a sender may be called instead of by its digits.
const (
	SenderAlphanumeric = "alphanumeric"
	SenderShortCode    = "shortcode"
	SenderWithheld     = "withheld"
)

// rule is a RuleConfig made ready.
type rule struct {
	name      string
	tenant    string
	direction Direction
	prefixes  []string
	kinds     [senderKinds]bool
	senders   bool     // there is a condition on the sender
	text      bool     // there is a condition on the text
	words     [][]byte // in capitals
	patterns  []*regexp.Regexp
	drop      bool
	status    uint32
}

type senderKind uint8

const (
	senderNumber senderKind = iota
	senderName
	senderShort
	senderNone
	senderKinds
)

func newRules(configs []RuleConfig) ([]rule, error) {
	rules := make([]rule, 0, len(configs))
	for i := range configs {
		c := &configs[i]
		r := rule{
			name: c.Name, tenant: c.Tenant, direction: c.Direction, senders: len(c.Senders) > 0,
			text: len(c.Text) > 0, drop: c.Drop, status: c.Status,
		}
		for _, sender := range c.Senders {
			switch sender {
			case SenderAlphanumeric:
				r.kinds[senderName] = true
			case SenderShortCode:
				r.kinds[senderShort] = true
			case SenderWithheld:
				r.kinds[senderNone] = true
			default:
				r.prefixes = append(r.prefixes, sender)
			}
		}
		for _, text := range c.Text {
			if err := r.look(text); err != nil {
				return nil, fmt.Errorf("rule %q: %w", c.Name, err)
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// look makes a pattern of what stands between slashes. Anything else is a word
// or a phrase, whatever its capitals.
func (r *rule) look(text string) error {
	if text == "" {
		return errors.New("a condition on the text is empty")
	}
	pattern, found := strings.CutPrefix(text, "/")
	if !found {
		r.words = append(r.words, appendUpper(nil, []byte(text)))
		return nil
	}
	compiled, err := regexp.Compile(strings.TrimSuffix(pattern, "/"))
	if err != nil {
		return err
	}
	r.patterns = append(r.patterns, compiled)
	return nil
}

func (r *rule) judge(_ *state, req *Request, plan *Plan) bool {
	if !r.meets(req, plan) {
		return false
	}
	plan.Verdict = RuleRefused
	plan.Answer = Answer{Drop: r.drop, Status: r.status}
	return true
}

// meets asks for the cheap conditions first; the text is decoded last.
func (r *rule) meets(req *Request, plan *Plan) bool {
	switch {
	case r.tenant != "" && r.tenant != plan.Tenant,
		r.direction == Inbound && plan.Outbound,
		r.direction == Outbound && !plan.Outbound,
		r.senders && !r.meetsSender(req):
		return false
	}
	return !r.text || req.Text != nil && r.meetsText(req)
}

func (r *rule) meetsSender(req *Request) bool {
	if r.kinds[kindOf(req)] {
		return true
	}
	for _, prefix := range r.prefixes {
		if req.From.HasPrefix(prefix) || req.From == 0 && !req.Named && strings.HasPrefix(string(req.Sender), prefix) {
			return true
		}
	}
	return false
}

// kindOf tells what stands in for a number.
func kindOf(req *Request) senderKind {
	switch {
	case req.From.IsShortCode():
		return senderShort
	case req.From != 0:
		return senderNumber
	case req.Named:
		return senderName
	case len(req.Sender) == 0:
		return senderNone
	default:
		return senderShort
	}
}

func (r *rule) meetsText(req *Request) bool {
	for _, word := range r.words {
		if holdsWord(req.capitals(), word) {
			return true
		}
	}
	for _, pattern := range r.patterns {
		if pattern.Match(req.text()) {
			return true
		}
	}
	return false
}
