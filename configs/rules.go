package configs

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
)

// OptOut says by which words a party ends messages and lets them come again. A
// word is a whole message, whatever its capitals, without spaces around it and
// a final full stop.
type OptOut struct {
	// Whether the words are acted on. Default true.
	Enabled bool `key:"enabled" default:"true" live:"true"`
	// What a party ends: every message of the tenant, or the one conversation. Default tenant.
	Scope OptOutScope `key:"scope" live:"true"`
	// Words by calling code of the party; those of default count everywhere.
	// Default {default: [STOP, STOPALL, UNSUBSCRIBE, QUIT, OPTOUT, OPT-OUT, REMOVE, REVOKE], "33": [ARRET, ARRÊT], "32": [ARRET, ARRÊT], "41": [ARRET, ARRÊT], "352": [ARRET, ARRÊT], "377": [ARRET, ARRÊT], "1": [ARRET, ARRÊT]}.
	Words map[string][]Word `key:"words" default:"{default: [STOP, STOPALL, UNSUBSCRIBE, QUIT, OPTOUT, OPT-OUT, REMOVE, REVOKE], \"33\": [ARRET, ARRÊT], \"32\": [ARRET, ARRÊT], \"41\": [ARRET, ARRÊT], \"352\": [ARRET, ARRÊT], \"377\": [ARRET, ARRÊT], \"1\": [ARRET, ARRÊT]}" live:"true"`
	// Words that take it back. Default [START, UNSTOP, YES].
	Start []Word `key:"start" default:"[START, UNSTOP, YES]" live:"true"`
	// Words that ask for help; ordinary ones where no reply has a text for it. Default [HELP, INFO].
	Help []Word `key:"help" default:"[HELP, INFO]" live:"true"`
	// What a party is sent for its word, once. Default empty: nothing.
	Replies []OptOutReply `key:"replies" live:"whole"`
}

// OptOutReply are texts for parties of one country.
type OptOutReply struct {
	// Calling code of the parties. Default empty: those of no other entry.
	Code CallingCode `key:"code"`
	// That messages have ended. Default empty: none is sent.
	Stop ReplyText `key:"stop"`
	// That messages come again. Default empty: none is sent.
	Start ReplyText `key:"start"`
	// Who writes, and how to end it. Default empty: the word is an ordinary message.
	Help ReplyText `key:"help"`
}

// CallingCode is where a country's numbers begin.
type CallingCode string

// ReplyText is what a party is sent.
type ReplyText string

func parseReplyText(text string) (ReplyText, error) {
	const maxLen = 480
	if len(text) > maxLen {
		return "", wrong("is longer than 480 octets")
	}
	return ReplyText(text), plain(text)
}

// Loop says when a message that goes round is taken for one.
type Loop struct {
	// The same message delivered so often is not taken again; 0: not looked at. Default 20.
	Repeats int `key:"repeats" default:"20" min:"0" max:"65000"`
	// Time in which they are counted; not 0. Default 10s.
	Within time.Duration `key:"within" default:"10s" min:"1s"`
}

// Rule refuses or drops what meets all its conditions.
type Rule struct {
	// Name in metrics and in maskline route. Required.
	Name Name `key:"name" required:"true"`
	// The conditions; one that is left out is met by everything.
	When When `key:"when"`
	// Whether a message is refused, or acknowledged and dropped; a call is refused. Default reject.
	Then SMSAnswer `key:"then"`
	// command_status that accounts are told; carriers hear their permanent code; not 0. Default 0x45.
	Status Code `key:"status" default:"0x45" min:"0x1"`
}

// When is the conditions of a rule.
type When struct {
	// Tenant of the binding. Default empty: every one.
	Tenant Name `key:"tenant"`
	// Contacts to a mask, or those from a tenant's own mask to a party. Default any.
	Direction Direction `key:"direction"`
	// Digits that the sender begins with, alphanumeric, shortcode or withheld. Default empty: every sender.
	Sender []Sender `key:"sender"`
	// Words or phrases, whatever their capitals, or a pattern between slashes (RE2), in the first
	// 1,600 characters; no call meets one. Default empty: every text.
	Text []TextPattern `key:"text"`
}

// Word is a whole message that is an order.
type Word string

func parseWord(text string) (Word, error) {
	const maxLen = 40
	switch {
	case len(text) > maxLen:
		return "", wrong("is longer than 40 octets")
	case strings.TrimSpace(strings.TrimSuffix(text, ".")) != text:
		return "", wrong("has a space at an end or a final full stop, which are not compared")
	}
	return Word(text), plain(text)
}

// parseCallingCode reads where a country's numbers begin. E.164 §6.2.
func parseCallingCode(text string) error {
	const maxLen = 3
	if !onlyDigits(text) || len(text) > maxLen || strings.HasPrefix(text, "0") {
		return wrong("is not a calling code")
	}
	return nil
}

// Sender is who a rule is about.
type Sender string

func parseSender(text string) (Sender, error) {
	switch text {
	case "alphanumeric", "shortcode", "withheld":
		return Sender(text), nil
	}
	digits, err := parseDigits(text)
	return Sender(digits), err
}

// TextPattern is what a rule looks for in a text: a word, or a pattern between
// slashes.
type TextPattern string

// maxProgram bounds the cost of a pattern, in instructions: a text is matched in
// time proportional to its length times this. The worst pattern of this size
// takes some milliseconds for the longest text.
const maxProgram = 200

func parseTextPattern(text string) (TextPattern, error) {
	const maxLen = 512
	if len(text) > maxLen {
		return "", wrong("is longer than 512 octets")
	}
	pattern, isPattern := strings.CutPrefix(text, "/")
	if !isPattern {
		if strings.TrimSpace(text) != text {
			return "", wrong("has a space at an end")
		}
		return TextPattern(text), plain(text)
	}
	pattern, closed := strings.CutSuffix(pattern, "/")
	if !closed || pattern == "" {
		return "", wrong("is no pattern between slashes")
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return "", wrong("is no pattern in the syntax of RE2")
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", wrong("is no pattern in the syntax of RE2")
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return "", wrong("is too complex a pattern")
	}
	return TextPattern(text), nil
}
