package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Code is a number of the protocol that is usually written in hex: a
// command_status or a tag.
type Code uint32

// String is the code in hex.
func (c Code) String() string { return fmt.Sprintf("0x%X", uint32(c)) }

func parseCode(text string) (Code, error) {
	digits, base := text, 10
	if rest, found := strings.CutPrefix(strings.ToLower(text), "0x"); found {
		digits, base = rest, 16
	} else if len(text) > 1 && text[0] == '0' {
		return 0, wrong("is not a code") // octal to some readers
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, wrong("is not a code")
	}
	return Code(n), nil
}

// The codes of a refused call. RFC 3261 §21.4 to §21.6.
const (
	minCode  = 400
	maxCode  = 699
	maxCause = 127 // Q.850 §2.1
)

// FailoverRule matches responses that lead to the next candidate.
type FailoverRule struct {
	First, Last int // SIP codes, both included
	Cause       int // Q.850 cause that the response must have; 0: any or none
}

// String is "503", "500-599" or "404;cause=2".
func (r FailoverRule) String() string {
	text := strconv.Itoa(r.First)
	if r.Last != r.First {
		text += "-" + strconv.Itoa(r.Last)
	}
	if r.Cause != 0 {
		text += ";cause=" + strconv.Itoa(r.Cause)
	}
	return text
}

func parseFailoverRule(text string) (FailoverRule, error) {
	codes, causeText, hasCause := strings.Cut(text, ";cause=")
	from, to, isRange := strings.Cut(codes, "-")
	if !isRange {
		to = from
	}
	first, errFirst := parseInt(from)
	last, errLast := parseInt(to)
	rule := FailoverRule{First: first, Last: last}
	switch {
	case errFirst != nil || errLast != nil:
		return FailoverRule{}, wrong("is not a failover rule")
	case first < minCode || last > maxCode:
		return FailoverRule{}, wrong("has a code outside 400 to 699")
	case first > last:
		return FailoverRule{}, wrong("is reversed")
	case !hasCause:
		return rule, nil
	}
	cause, err := parseInt(causeText)
	if err != nil || cause < 1 || cause > maxCause {
		return FailoverRule{}, wrong("has a cause outside 1 to 127")
	}
	rule.Cause = cause
	return rule, nil
}

// overlaps reports whether a response can match both rules, one of them in vain.
func (r FailoverRule) overlaps(o FailoverRule) bool {
	return r.First <= o.Last && o.First <= r.Last && (r.Cause == 0 || o.Cause == 0 || r.Cause == o.Cause)
}

// final names the first outcome that the rule would hunt although it is the
// subscriber's or a challenge, and that another carrier cannot better.
func (r FailoverRule) final() (reason string, found bool) {
	for code := r.First; code <= r.Last; code++ {
		switch {
		case code >= 600:
			return "6xx, a refusal everywhere (RFC 3261 §21.6)", true
		case code == 486 || code == 487 || code == 401 || code == 407:
			return strconv.Itoa(code), true
		case (code == 404 || code == 480) && r.Cause == 0:
			return strconv.Itoa(code) + " without a cause", true
		}
	}
	if r.Cause == 1 || (r.Cause >= 16 && r.Cause <= 21) {
		return "cause " + strconv.Itoa(r.Cause), true
	}
	return "", false
}

// VoiceAnswer is what a call is answered that cannot be routed.
type VoiceAnswer struct {
	// SIP code that ends the call. Default 404.
	Code int `key:"code" default:"404" min:"400" max:"699"`
	// Announcement that is played before: a shipped one or the name of a file in media.prompts. Required.
	Announce Name `key:"announce" required:"true"`
	// Before the answer as early media, or after a 200 that the caller pays for. Default early.
	Mode AnnounceMode `key:"mode"`
}

// String is the code, of one without an announcement.
func (a VoiceAnswer) String() string { return strconv.Itoa(a.Code) }

func parseVoiceAnswer(text string) (VoiceAnswer, error) {
	code, err := parseInt(text)
	switch {
	case err != nil:
		return VoiceAnswer{}, err
	case code < minCode || code > maxCode:
		return VoiceAnswer{}, wrong("is no code of a refusal")
	}
	return VoiceAnswer{Code: code}, nil
}
