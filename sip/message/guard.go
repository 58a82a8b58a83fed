package message

import "bytes"

// Caps on a message, checked before it is parsed. sipgo's parser stores and
// writes some hostile parameter lists in quadratic size and time; within these
// caps its work is bounded.
const (
	MaxDatagram  = 8 << 10 // octets of a UDP datagram
	MaxLine      = 1 << 10 // octets of the start line and of a header, folded lines included
	MaxIdentity  = 4 << 10 // octets of an Identity header (RFC 8224)
	MaxHeaders   = 64      // header lines
	MaxVias      = 10      // Via values
	MaxParams    = 16      // parameters of one header value or of the Request-URI
	maxMethodLen = 32
)

// Drop is why a datagram is dropped without an answer, or a connection closed.
type Drop uint8

// The reasons.
const (
	Pass Drop = iota // it is not dropped
	Keepalive
	TooLarge
	BadStartLine
	BadByte // NUL, another control character, or a CR or LF by itself
	BadHeader
	SpaceBeforeColon
	LineTooLong
	TooManyHeaders
	TooManyVias
	TooManyParams
	QuoteInVia
	NoEnd            // the empty line after the headers is missing
	BadContentLength // missing, repeated or no number, on a stream

	DropCount = iota // how many there are, Pass included
)

var dropNames = [DropCount]string{
	"pass", "keepalive", "too_large", "bad_start_line", "bad_byte", "bad_header", "space_before_colon",
	"line_too_long", "too_many_headers", "too_many_vias", "too_many_params", "quote_in_via", "no_end",
	"bad_content_length",
}

// String is the name used in metrics.
func (d Drop) String() string {
	if d < DropCount {
		return dropNames[d]
	}
	return "invalid"
}

// Drops lists all reasons, for metrics that must be complete.
func Drops() []Drop {
	all := make([]Drop, 0, DropCount-1)
	for d := Keepalive; d < DropCount; d++ {
		all = append(all, d)
	}
	return all
}

// Check judges the raw bytes of one datagram in one pass, without allocating.
// It looks at the start line and the headers, not at the body.
func Check(b []byte) Drop {
	if len(b) > MaxDatagram {
		return TooLarge
	}
	if len(bytes.Trim(b, "\r\n\x00")) == 0 {
		return Keepalive // RFC 5626 §3.5.1, and the empty datagrams of older devices
	}
	return CheckStream(b)
}

// cutLine takes one line off b, without its CRLF.
func cutLine(b []byte) (line, rest []byte, bad Drop) {
	for i, c := range b {
		if c >= ' ' && c != 0x7F || c == '\t' {
			continue
		}
		switch {
		case c != '\r':
			return nil, nil, BadByte
		case i+1 == len(b):
			return nil, nil, NoEnd
		case b[i+1] != '\n':
			return nil, nil, BadByte
		}
		return b[:i], b[i+2:], Pass
	}
	return nil, nil, NoEnd
}

func checkHeaders(b []byte) Drop {
	var h headerScan
	for {
		line, rest, bad := cutLine(b)
		if bad != Pass {
			return bad
		}
		if len(line) == 0 {
			return Pass
		}
		if line[0] == ' ' || line[0] == '\t' { // RFC 3261 §7.3.1: folded
			if h.count == 0 {
				return BadHeader
			}
			bad = h.scan(line)
		} else {
			bad = h.begin(line)
		}
		if bad != Pass {
			return bad
		}
		b = rest
	}
}

// headerScan counts what the caps bound, over all lines of a header.
type headerScan struct {
	count, vias int

	isVia, isIdentity bool
	octets, params    int
	quoted, escaped   bool
}

func (h *headerScan) begin(line []byte) Drop {
	if h.count++; h.count > MaxHeaders {
		return TooManyHeaders
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 1 {
		return BadHeader
	}
	name := line[:colon]
	if last := name[colon-1]; last == ' ' || last == '\t' {
		return SpaceBeforeColon
	}
	for _, c := range name {
		if !isToken(c) {
			return BadHeader
		}
	}
	h.isVia = is(name, "via") || is(name, "v")
	h.isIdentity = is(name, "identity") || is(name, "y")
	h.octets, h.params, h.quoted, h.escaped = colon+1, 0, false, false
	if h.isVia {
		if h.vias++; h.vias > MaxVias {
			return TooManyVias
		}
	}
	return h.scan(line[colon+1:])
}

// scan reads (a part of) a header's value.
func (h *headerScan) scan(value []byte) Drop {
	h.octets += len(value)
	if h.octets > MaxIdentity || (h.octets > MaxLine && !h.isIdentity) {
		return LineTooLong
	}
	for _, c := range value {
		if c > ';' && !h.quoted {
			continue
		}
		switch {
		case h.escaped:
			h.escaped = false
		case c == '"':
			if h.isVia {
				return QuoteInVia
			}
			h.quoted = !h.quoted
		case h.quoted:
			h.escaped = c == '\\'
		case c == ',':
			h.params = 0
			if h.isVia {
				if h.vias++; h.vias > MaxVias {
					return TooManyVias
				}
			}
		case c == ';', c == '&':
			if h.params++; h.params > MaxParams {
				return TooManyParams
			}
		}
	}
	return Pass
}

// checkStartLine accepts the form of a request line or a status line.
func checkStartLine(line []byte) Drop {
	if bytes.HasPrefix(line, []byte("SIP/")) {
		return checkStatusLine(line)
	}
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(method) == 0 || len(method) > maxMethodLen {
		return BadStartLine
	}
	for _, c := range method {
		if !isToken(c) {
			return BadStartLine
		}
	}
	uri, version, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(uri) == 0 || !isVersion(version) {
		return BadStartLine
	}
	params := 0
	for _, c := range uri {
		switch c {
		case '"', '<', '>', '\t':
			return BadStartLine
		case ';', '&':
			if params++; params > MaxParams {
				return TooManyParams
			}
		}
	}
	return Pass
}

func checkStatusLine(line []byte) Drop {
	version, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !isVersion(version) || len(rest) < 4 || rest[3] != ' ' {
		return BadStartLine
	}
	if rest[0] < '1' || rest[0] > '6' || !isDigit(rest[1]) || !isDigit(rest[2]) {
		return BadStartLine
	}
	return Pass
}

// isVersion accepts "SIP/" and two numbers of one digit; which ones are
// spoken here is decided after parsing, since it has an answer (505).
func isVersion(b []byte) bool {
	return len(b) == len("SIP/2.0") && bytes.HasPrefix(b, []byte("SIP/")) && isDigit(b[4]) && b[5] == '.' && isDigit(b[6])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isToken is the character class of RFC 3261 §25.1: letters, digits and
// "-.!%*_+`'~", one bit each.
func isToken(c byte) bool {
	const low, high = 0x3FF6CA200000000, 0x47FFFFFF87FFFFFE
	switch {
	case c < 64:
		return uint64(low)>>c&1 != 0
	case c < 128:
		return uint64(high)>>(c-64)&1 != 0
	default:
		return false
	}
}

// is compares a name to one in lower case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
