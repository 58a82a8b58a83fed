package message

import "bytes"

// shortestMask is the length of the shortest number that can be a mask: what is
// shorter may be an emergency number.
const shortestMask = 7

// Opens reports whether a datagram that [Check] passed is an INVITE that opens a
// call to a mask, or a MESSAGE to one. It looks at the raw bytes, to be asked before parsing. What
// may be an emergency call is none.
func Opens(b []byte) bool {
	rest, opens := bytes.CutPrefix(b, []byte("INVITE "))
	if !opens {
		rest, opens = bytes.CutPrefix(b, []byte("MESSAGE "))
	}
	if !opens {
		return false
	}
	uri, rest, _ := bytes.Cut(rest, []byte(" "))
	scheme, user, _ := bytes.Cut(uri, []byte(":"))
	if end := bytes.IndexAny(user, "@;"); end >= 0 {
		user = user[:end]
	}
	if is(scheme, "urn") || len(user) < shortestMask {
		return false
	}
	return !hasTag(rest)
}

// hasTag finds a tag in To, folded lines included.
func hasTag(b []byte) bool {
	inTo := false
	for len(b) > 0 {
		line, rest, _ := bytes.Cut(b, []byte("\r\n"))
		if len(line) == 0 {
			return false
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			inTo = is(name, "to") || is(name, "t")
		}
		if inTo && bytes.Contains(bytes.ToLower(line), []byte("tag")) {
			return true // a name or number that holds these letters is served too, which does no harm
		}
		b = rest
	}
	return false
}
