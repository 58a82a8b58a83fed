package message

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"maskline/e164"
)

// sosURN is the dialled string of every emergency service. RFC 5031 §4.2.
const sosURN = "urn:service:sos"

// maxDialled bounds the dialled string; longer ones are no number of any plan.
const maxDialled = 64

// Called is whom a request is for.
type Called struct {
	Dialled string      // as it came, with its "+" if it had one: emergency strings are compared whole
	Number  e164.Number // none where Dialled is no E.164 number
}

// Called reads the Request-URI as the trunk writes numbers: the user part of a
// sip URI, a tel URI, or an emergency service (RFC 5031). Parameters of the user
// part are left away, those of number portability (RFC 4694) too.
func (r *Request) Called(numbers *Numbers) Called {
	dialled, context := r.dialled()
	return Called{Dialled: dialled, Number: numbers.called(dialled, context)}
}

// Dialled is what was called, as it came; empty where that is too long for a
// number.
func (r *Request) Dialled() string {
	dialled, _ := r.dialled()
	return dialled
}

func (r *Request) dialled() (text, context string) {
	u := &r.msg.Recipient
	if isSOS(u) {
		return sosURN, ""
	}
	if text, context = userText(u); len(text) > maxDialled {
		return "", ""
	}
	return text, context
}

// Caller is the number that calls: From, or where that is withheld and the
// sender is trusted with it, P-Asserted-Identity (RFC 3325 §9.1). It is none
// where neither has one.
func (r *Request) Caller(numbers *Numbers, trustAsserted bool) e164.Number {
	if n := numbers.read(userText(&r.msg.From().Address)); n != 0 {
		return n
	}
	if !trustAsserted {
		return 0
	}
	for _, h := range r.msg.GetHeaders("p-asserted-identity") {
		for _, value := range splitAddresses(h.Value()) {
			var u sip.Uri
			if _, err := sip.ParseAddressValue(value, &u, nil); err != nil {
				continue
			}
			if n := numbers.read(userText(&u)); n != 0 {
				return n
			}
		}
	}
	return 0
}

// userText is the telephone number or name of a sip or tel URI, without escapes
// and the visual separators of RFC 3966 §5.1.1, and its phone-context. Other
// parameters are left.
func userText(u *sip.Uri) (text, context string) {
	switch u.Scheme {
	case "sip", "sips":
		text = u.User
	case "tel":
		text = u.Raw()
	default:
		return "", ""
	}
	text, params, _ := strings.Cut(text, ";")
	for params != "" {
		var one string
		one, params, _ = strings.Cut(params, ";")
		if name, value, _ := strings.Cut(one, "="); strings.EqualFold(name, "phone-context") {
			context = withoutVisual(value)
		}
	}
	return withoutVisual(text), context
}

// withoutVisual resolves escapes and drops visual separators; it is empty where
// an escape is none.
func withoutVisual(text string) string {
	text, ok := unescape(text)
	if !ok {
		return ""
	}
	if strings.ContainsAny(text, "-.()") && isVisual(text) {
		text = strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(text)
	}
	return text
}

// isVisual reports whether the text is a number with visual separators, and
// not a name that holds some.
func isVisual(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) && strings.IndexByte("+-.()*#", s[i]) < 0 {
			return false
		}
	}
	return true
}

// isSOS reports whether a URI names an emergency service or one of its kinds
// (urn:service:sos.fire).
func isSOS(u *sip.Uri) bool {
	const nss = "service:sos"
	raw := u.Raw()
	return u.Scheme == "urn" && len(raw) >= len(nss) && strings.EqualFold(raw[:len(nss)], nss) &&
		(len(raw) == len(nss) || raw[len(nss)] == '.')
}

// splitAddresses splits a header's value at the commas between addresses.
func splitAddresses(value string) []string {
	var all []string
	start, quoted, bracket := 0, false, false
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"' && (i == 0 || value[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case c == '<':
			bracket = true
		case c == '>':
			bracket = false
		case c == ',' && !bracket:
			all = append(all, strings.TrimSpace(value[start:i]))
			start = i + 1
		}
	}
	return append(all, strings.TrimSpace(value[start:]))
}
