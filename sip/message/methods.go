package message

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Methods is what a peer says it serves, of what we would ask it.
type Methods uint8

const (
	servesUpdate Methods = 1 << iota
	servesInfo
	known // it has said anything at all
)

func methodBit(name string) Methods {
	switch name {
	case Update:
		return servesUpdate
	case Info:
		return servesInfo
	default:
		return 0
	}
}

// Has reports whether the peer has said that it serves a method. Of others than
// UPDATE and INFO it is false.
func (m Methods) Has(method string) bool { return m&methodBit(method) != 0 }

// Without is the set without a method.
func (m Methods) Without(method string) Methods { return m &^ methodBit(method) }

// Known reports whether the peer has said anything.
func (m Methods) Known() bool { return m&known != 0 }

// allowed reads the Allow headers. RFC 3261 §20.5.
func allowed(all []sip.Header) Methods {
	var m Methods
	for _, h := range all {
		if !strings.EqualFold(h.Name(), "allow") {
			continue
		}
		m |= known
		for name := range strings.SplitSeq(h.Value(), ",") {
			m |= methodBit(strings.TrimSpace(name))
		}
	}
	return m
}

// Allowed is what the sender serves.
func (r *Request) Allowed() Methods { return allowed(r.msg.Headers()) }

// Allowed is what the sender serves.
func (r *Response) Allowed() Methods { return allowed(r.msg.Headers()) }
