package message

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// OptionTags is a set of the option tags that calls know.
type OptionTags uint8

// The option tags.
const (
	Reliable OptionTags = 1 << iota // 100rel, RFC 3262
	Timer                           // timer, RFC 4028
)

var optionTags = [...]string{"100rel", "timer"}

// Has reports whether all of o are in the set.
func (s OptionTags) Has(o OptionTags) bool { return s&o == o }

func optionOf(tag string) OptionTags {
	for i, known := range optionTags {
		if strings.EqualFold(tag, known) {
			return 1 << i
		}
	}
	return 0
}

// Unsupported is the header that refuses the tags.
func (s OptionTags) Unsupported() string {
	return strings.TrimSuffix(string(appendOptions(nil, "Unsupported: ", s)), "\r\n")
}

// Refresher is the side that keeps a session timer alive, as the sender of the
// request that set it up sees the roles. RFC 4028 §4.
type Refresher uint8

// The refreshers.
const (
	AnyRefresher Refresher = iota
	UAC
	UAS
)

var refresherNames = [...]string{"", "uac", "uas"}

// EarlyMedia is what the called network allows before the answer: values of
// P-Early-Media. RFC 5009 §8.
type EarlyMedia uint8

// Has reports whether all of o are in the set.
func (m EarlyMedia) Has(o EarlyMedia) bool { return m&o == o }

// The values of P-Early-Media. Of the directions one is kept, that of the first
// stream, since one stream is relayed.
const (
	EarlySupported EarlyMedia = 1 << iota
	EarlyGated
	EarlySendRecv
	EarlySendOnly
	EarlyRecvOnly
	EarlyInactive

	earlyDirections = EarlySendRecv | EarlySendOnly | EarlyRecvOnly | EarlyInactive
)

var earlyMediaNames = [...]string{"supported", "gated", "sendrecv", "sendonly", "recvonly", "inactive"}

// Extensions are the headers of extensions that calls take part in. The zero
// value of a field: the header is absent, or makes no sense.
type Extensions struct {
	Supported, Required OptionTags
	RSeq                uint32 // RFC 3262 §7.1
	RAck                RAck
	Expires             time.Duration // Session-Expires, whole seconds. RFC 4028 §4
	Refresher           Refresher
	MinSE               time.Duration
	EarlyMedia          EarlyMedia
}

// RAck names the provisional answer that a PRACK acknowledges. RFC 3262 §7.2.
type RAck struct {
	RSeq, CSeq uint32
	Method     string
}

// Extensions reads what the request says of extensions.
func (r *Request) Extensions() Extensions { return readExtensions(r.msg.Headers()) }

// Extensions reads what the response says of extensions.
func (r *Response) Extensions() Extensions { return readExtensions(r.msg.Headers()) }

func readExtensions(all []sip.Header) Extensions {
	var e Extensions
	for _, h := range all {
		if _, other := h.(*sip.ViaHeader); !other {
			e.read(h)
		}
	}
	return e
}

func (e *Extensions) read(h sip.Header) {
	switch name := h.Name(); {
	case strings.EqualFold(name, "supported"), strings.EqualFold(name, "k"):
		e.Supported |= readOptions(h.Value())
	case strings.EqualFold(name, "require"):
		e.Required |= readOptions(h.Value())
	case strings.EqualFold(name, "rseq"):
		e.RSeq = readNumber(strings.TrimSpace(h.Value()))
	case strings.EqualFold(name, "rack"):
		e.RAck = readRAck(h.Value())
	case strings.EqualFold(name, "session-expires"), strings.EqualFold(name, "x"):
		e.readExpires(h.Value())
	case strings.EqualFold(name, "min-se"):
		text, _, _ := strings.Cut(h.Value(), ";")
		e.MinSE = readDelta(text)
	case strings.EqualFold(name, "p-early-media"):
		e.EarlyMedia |= readEarlyMedia(h.Value())
	}
}

func readOptions(value string) OptionTags {
	var o OptionTags
	for tag := range strings.SplitSeq(value, ",") {
		o |= optionOf(strings.TrimSpace(tag))
	}
	return o
}

// readNumber is 0 for what is no number of 32 bits.
func readNumber(text string) uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

func readDelta(text string) time.Duration {
	return time.Duration(readNumber(strings.TrimSpace(text))) * time.Second
}

// readRAck reads "776656 1 INVITE".
func readRAck(value string) RAck {
	fields := strings.Fields(value)
	if len(fields) != 3 {
		return RAck{}
	}
	return RAck{RSeq: readNumber(fields[0]), CSeq: readNumber(fields[1]), Method: fields[2]}
}

func (e *Extensions) readExpires(value string) {
	text, params, _ := strings.Cut(value, ";")
	e.Expires = readDelta(text)
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(k), "refresher") {
			continue
		}
		switch v = strings.TrimSpace(v); {
		case strings.EqualFold(v, "uac"):
			e.Refresher = UAC
		case strings.EqualFold(v, "uas"):
			e.Refresher = UAS
		}
	}
}

func readEarlyMedia(value string) EarlyMedia {
	var m EarlyMedia
	for text := range strings.SplitSeq(value, ",") {
		for i, name := range earlyMediaNames {
			one := EarlyMedia(1) << i
			if strings.EqualFold(strings.TrimSpace(text), name) && (one&earlyDirections == 0 || m&earlyDirections == 0) {
				m |= one
			}
		}
	}
	return m
}

// append writes the headers that are set.
func (e *Extensions) append(dst []byte) []byte {
	dst = appendOptions(dst, "Require: ", e.Required)
	dst = appendOptions(dst, "Supported: ", e.Supported)
	if e.RSeq != 0 {
		dst = append(dst, "RSeq: "...)
		dst = strconv.AppendUint(dst, uint64(e.RSeq), 10)
		dst = append(dst, "\r\n"...)
	}
	if e.RAck.RSeq != 0 {
		dst = append(dst, "RAck: "...)
		dst = strconv.AppendUint(dst, uint64(e.RAck.RSeq), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendUint(dst, uint64(e.RAck.CSeq), 10)
		dst = append(dst, ' ')
		dst = append(dst, e.RAck.Method...)
		dst = append(dst, "\r\n"...)
	}
	if e.Expires != 0 {
		dst = append(dst, "Session-Expires: "...)
		dst = strconv.AppendInt(dst, int64(e.Expires/time.Second), 10)
		if e.Refresher != AnyRefresher {
			dst = append(dst, ";refresher="...)
			dst = append(dst, refresherNames[e.Refresher]...)
		}
		dst = append(dst, "\r\n"...)
	}
	if e.MinSE != 0 {
		dst = append(dst, "Min-SE: "...)
		dst = strconv.AppendInt(dst, int64(e.MinSE/time.Second), 10)
		dst = append(dst, "\r\n"...)
	}
	return e.appendEarlyMedia(dst)
}

func appendOptions(dst []byte, header string, o OptionTags) []byte {
	separator := header
	for i, tag := range optionTags {
		if o&(1<<i) != 0 {
			dst = append(append(dst, separator...), tag...)
			separator = ", "
		}
	}
	if o != 0 {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func (e *Extensions) appendEarlyMedia(dst []byte) []byte {
	separator := "P-Early-Media: "
	for i, name := range earlyMediaNames {
		// The directions come before "gated", as RFC 5009 §8 writes them.
		if one := EarlyMedia(1) << i; e.EarlyMedia&one != 0 && one != EarlyGated {
			dst = append(append(dst, separator...), name...)
			separator = ", "
		}
	}
	if e.EarlyMedia&EarlyGated != 0 {
		dst = append(append(dst, separator...), "gated"...)
	}
	if e.EarlyMedia != 0 {
		dst = append(dst, "\r\n"...)
	}
	return dst
}
