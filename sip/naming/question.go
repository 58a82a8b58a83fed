package naming

import (
	"crypto/rand"
	"encoding/binary"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// typeNAPTR is of RFC 3403 §4; the parser knows its records by number alone.
const typeNAPTR dnsmessage.Type = 35

// udpSize is the size of datagrams that we take: what passes unfragmented. DNS flag
// day 2020.
const udpSize = 1232

// question is what is asked for.
type question struct {
	dnsmessage.Question
	name string // lower case, with its last dot
}

func newQuestion(name string, kind dnsmessage.Type) (*question, error) {
	name = strings.ToLower(strings.TrimSuffix(name, ".")) + "."
	if !isHostName(name) {
		return nil, errName
	}
	packed, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, errName
	}
	return &question{dnsmessage.Question{Name: packed, Type: kind, Class: dnsmessage.ClassINET}, name}, nil
}

// pack writes the query. RFC 1035 §4.1, RFC 6891 §6.1.
func (q *question) pack(id uint16, edns bool) ([]byte, error) {
	b := dnsmessage.NewBuilder(make([]byte, 0, 512), dnsmessage.Header{ID: id, RecursionDesired: true})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q.Question); err != nil {
		return nil, errName
	}
	if edns {
		var header dnsmessage.ResourceHeader
		if err := header.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
			return nil, err
		}
		if err := b.StartAdditionals(); err != nil {
			return nil, err
		}
		if err := b.OPTResource(header, dnsmessage.OPTResource{}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

func newID() uint16 {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	return binary.BigEndian.Uint16(id[:])
}

// isHostName reports whether a name with its last dot has letters, digits, hyphens
// and underscores alone. "." is none.
func isHostName(name string) bool {
	if len(name) < 2 || len(name) > 254 {
		return false
	}
	for label := range strings.SplitSeq(name[:len(name)-1], ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
