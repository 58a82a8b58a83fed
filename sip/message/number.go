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

// Called reads the Request-URI: the user part of a sip URI, a tel URI, or an
// emergency service (RFC 5031). Parameters of the user part are left away.
func (r *Request) Called() Called {
	u := &r.msg.Recipient
	if isSOS(u) {
		return Called{Dialled: sosURN}
	}
	dialled := userText(u)
	if len(dialled) > maxDialled {
		return Called{}
	}
	n, err := e164.Parse(dialled)
	if err != nil {
		n = 0
	}
	return Called{Dialled: dialled, Number: n}
}

// Caller is the number that calls: From, or where that is withheld and the
// sender is trusted with it, P-Asserted-Identity (RFC 3325 §9.1). It is none
// where neither has one.
func (r *Request) Caller(trustAsserted bool) e164.Number {
	if n := numberOf(&r.msg.From().Address); n != 0 {
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
			if n := numberOf(&u); n != 0 {
				return n
			}
		}
	}
	return 0
}

func numberOf(u *sip.Uri) e164.Number {
	n, err := e164.Parse(userText(u))
	if err != nil {
		return 0
	}
	return n
}

// userText is the telephone number or name of a sip or tel URI, without
// parameters, escapes and the visual separators of RFC 3966 §5.1.1.
func userText(u *sip.Uri) string {
	var text string
	switch u.Scheme {
	case "sip", "sips":
		text = u.User
	case "tel":
		text = u.Raw()
	default:
		return ""
	}
	text, _, _ = strings.Cut(text, ";")
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
