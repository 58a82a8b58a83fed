package message

import "bytes"

// CheckStream judges the raw bytes of one message of a stream, or its headers
// alone, by the rules of [Check]; its length is bounded where it is cut off the
// stream.
func CheckStream(b []byte) Drop {
	line, rest, bad := cutLine(b)
	if bad != Pass {
		return bad
	}
	if len(line) > MaxLine {
		return LineTooLong
	}
	if bad := checkStartLine(line); bad != Pass {
		return bad
	}
	return checkHeaders(rest)
}

// Framer cuts a stream into messages. The zero value is ready but for Most. RFC
// 3261 §18.3.
type Framer struct {
	Most int // octets of a message

	buf     []byte
	scanned int // of buf, without the end of the headers
	head    int // length of the headers and their empty line; 0: not known yet
	total   int // length of the message
	crlf    bool
}

// Frame is what stands next in a stream.
type Frame uint8

// The kinds of it.
const (
	FramePartial  Frame = iota // not all of it has come
	FrameMessage               // a message
	FramePing                  // two CRLF, which want one as the answer. RFC 5626 §4.4.1
	FrameUnframed              // headers that do not tell where the message ends, or that it is too long
	FrameGarbage               // nothing that can be answered
)

const (
	firstRead = 4 << 10
	endOfHead = "\r\n\r\n"
)

// Room is where the next octets of the stream are read to, before Filled. What
// Next returned is not valid after it.
func (f *Framer) Room() []byte {
	if len(f.buf) == cap(f.buf) {
		grown := make([]byte, len(f.buf), max(firstRead, min(2*cap(f.buf), f.Most+firstRead)))
		copy(grown, f.buf)
		f.buf = grown
	}
	return f.buf[len(f.buf):cap(f.buf)]
}

// Filled takes in n octets that were read to Room.
func (f *Framer) Filled(n int) { f.buf = f.buf[:len(f.buf)+n] }

// Empty reports whether no part of a message waits for the rest.
func (f *Framer) Empty() bool { return len(f.buf) == 0 }

// Next looks at what stands at the start of the stream. A message, or the
// headers of one that cannot be framed, is in b until Room or Cut.
func (f *Framer) Next() (kind Frame, b []byte, why Drop) {
	if f.head == 0 {
		if f.ping() {
			return FramePing, nil, Pass
		}
		if len(f.buf) == 0 || f.buf[0] == '\r' && len(f.buf) == 1 {
			return FramePartial, nil, Pass
		}
		if !isToken(f.buf[0]) {
			return FrameGarbage, nil, BadStartLine
		}
		if why := f.findHead(); why != Pass {
			return FrameGarbage, nil, why
		}
		if f.head == 0 {
			return FramePartial, nil, Pass
		}
		length, why := contentLength(f.buf[:f.head])
		if why == Pass && f.head+length > f.Most {
			why = TooLarge
		}
		if why != Pass {
			return FrameUnframed, f.buf[:f.head], why
		}
		f.total = f.head + length
	}
	if len(f.buf) < f.total {
		return FramePartial, nil, Pass
	}
	return FrameMessage, f.buf[:f.total], Pass
}

// Cut takes the message that Next returned off the stream.
func (f *Framer) Cut() {
	f.drop(f.total)
	f.scanned, f.head, f.total, f.crlf = 0, 0, 0, false
}

// drop moves what follows to the front. A buffer that one long message needed
// is let go.
func (f *Framer) drop(n int) {
	rest := f.buf[n:]
	if cap(f.buf) > firstRead && len(rest) <= firstRead {
		f.buf = append(make([]byte, 0, firstRead), rest...)
		return
	}
	f.buf = f.buf[:copy(f.buf, rest)]
}

// ping takes CRLFs off the front until two in a row are found, or something
// else. One alone answers a ping, or trails a message: it means nothing.
func (f *Framer) ping() bool {
	n, found := 0, false
	for !found && bytes.HasPrefix(f.buf[n:], []byte("\r\n")) {
		n += 2
		found, f.crlf = f.crlf, !f.crlf
	}
	if n > 0 {
		f.drop(n)
	}
	return found
}

// findHead looks for the empty line after the headers.
func (f *Framer) findHead() Drop {
	from := max(f.scanned-len(endOfHead)+1, 0)
	if i := bytes.Index(f.buf[from:], []byte(endOfHead)); i >= 0 {
		f.head = from + i + len(endOfHead)
	} else {
		f.scanned = len(f.buf)
	}
	if f.head > f.Most || f.head == 0 && len(f.buf) >= f.Most {
		f.head = 0
		return TooLarge
	}
	return Pass
}

// contentLength reads the one header of that name. RFC 3261 §20.14.
func contentLength(head []byte) (int, Drop) {
	const mostDigits = 7
	found := false
	length := 0
	for line, rest, _ := bytes.Cut(head, []byte("\r\n")); len(line) > 0; line, rest, _ = bytes.Cut(rest, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if name = bytes.TrimRight(name, " \t"); !is(name, "content-length") && !is(name, "l") {
			continue
		}
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') { // folded
			line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
			value = append(append([]byte(nil), value...), line...)
		}
		value = bytes.Trim(value, " \t")
		if found || len(value) == 0 || len(value) > mostDigits {
			return 0, BadContentLength
		}
		found = true
		for _, c := range value {
			if !isDigit(c) {
				return 0, BadContentLength
			}
			length = 10*length + int(c-'0')
		}
	}
	if !found {
		return 0, BadContentLength
	}
	return length, Pass
}
