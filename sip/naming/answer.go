package naming

import (
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// record is one of an answer, of the type that was asked for or an alias.
type record struct {
	owner  string // lower case, with its last dot
	alias  string // the target of a CNAME
	ttl    time.Duration
	addr   netip.Addr
	srv    SRV
	naptr  NAPTR
	usable bool
}

// answer is what a server said.
type answer struct {
	code      dnsmessage.RCode
	truncated bool
	lame      bool // it neither knows nor asks others
	ends      bool // it says that there is nothing behind the last alias either
	records   []record
	soa       time.Duration // lifetime of nothing; negative: not told
}

// isFor reports whether a message answers the question. A server that could not
// read the question may leave it out.
func (q *question) isFor(msg []byte, id uint16) bool {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || h.ID != id || !h.Response || h.OpCode != 0 {
		return false
	}
	got, err := p.Question()
	if err == dnsmessage.ErrSectionDone { //nolint:errorlint // the parser never wraps it
		return h.RCode == dnsmessage.RCodeFormatError
	}
	if err != nil || got.Type != q.Type || got.Class != q.Class || !strings.EqualFold(got.Name.String(), q.name) {
		return false
	}
	_, err = p.Question()
	return err == dnsmessage.ErrSectionDone //nolint:errorlint // likewise
}

// read reads an answer to the question. Records beyond the bound are left.
func (q *question) read(msg []byte) (*answer, error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil {
		return nil, errMalformed
	}
	a := &answer{code: h.RCode, truncated: h.Truncated, soa: -1}
	if a.truncated || h.RCode != dnsmessage.RCodeSuccess && h.RCode != dnsmessage.RCodeNameError {
		return a, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, errMalformed
	}
	for range 2 * mostRecords { // signatures between them
		header, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone { //nolint:errorlint // likewise
			break
		}
		if err != nil {
			return nil, errMalformed
		}
		if len(a.records) == mostRecords {
			break
		}
		if err := q.take(a, &p, &header); err != nil {
			return nil, err
		}
	}
	if err := p.SkipAllAnswers(); err != nil {
		return nil, errMalformed
	}
	a.soa = lifeOfNothing(&p)
	a.ends = h.RCode == dnsmessage.RCodeNameError || a.soa >= 0
	a.lame = !a.ends && len(a.records) == 0 && !h.Authoritative && !h.RecursionAvailable
	return a, nil
}

// take keeps a record that has to do with the question.
func (q *question) take(a *answer, p *dnsmessage.Parser, header *dnsmessage.ResourceHeader) error {
	if header.Class != dnsmessage.ClassINET || header.Type != q.Type && header.Type != dnsmessage.TypeCNAME {
		return p.SkipAnswer()
	}
	r := record{owner: strings.ToLower(header.Name.String()), ttl: lifetime(header.TTL)}
	switch header.Type {
	case dnsmessage.TypeCNAME:
		to, err := p.CNAMEResource()
		if err != nil {
			return errMalformed
		}
		r.alias = strings.ToLower(to.CNAME.String())
	case dnsmessage.TypeA:
		got, err := p.AResource()
		if err != nil {
			return errMalformed
		}
		r.addr = netip.AddrFrom4(got.A)
	case dnsmessage.TypeAAAA:
		got, err := p.AAAAResource()
		if err != nil {
			return errMalformed
		}
		r.addr = netip.AddrFrom16(got.AAAA).Unmap()
	case dnsmessage.TypeSRV:
		got, err := p.SRVResource()
		if err != nil {
			return errMalformed
		}
		r.srv = SRV{strings.ToLower(got.Target.String()), got.Port, got.Priority, got.Weight}
		r.usable = r.srv.Target == "." || isHostName(r.srv.Target)
	default:
		got, err := p.UnknownResource()
		if err != nil {
			return errMalformed
		}
		r.naptr, r.usable = parseNAPTR(got.Data)
	}
	a.records = append(a.records, r)
	return nil
}

// lifetime is a TTL, of which the highest bit means none. RFC 2181 §8.
func lifetime(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

// lifeOfNothing is what the SOA of the authority section says. RFC 2308 §5.
func lifeOfNothing(p *dnsmessage.Parser) time.Duration {
	for range mostRecords {
		header, err := p.AuthorityHeader()
		if err != nil {
			return -1
		}
		if header.Type == dnsmessage.TypeSOA && header.Class == dnsmessage.ClassINET {
			soa, err := p.SOAResource()
			if err != nil {
				return -1
			}
			return lifetime(min(header.TTL, soa.MinTTL))
		}
		if err := p.SkipAuthority(); err != nil {
			return -1
		}
	}
	return -1
}

// follow finds the records of the question's name, behind its aliases in this
// answer. ttl is the smallest on the way.
func (a *answer) follow(q *question) (found []record, name string, hops int, ttl time.Duration) {
	name, ttl = q.name, mostLife
	for hops <= mostAliases {
		next := ""
		for i := range a.records {
			r := &a.records[i]
			switch {
			case r.owner != name:
			case r.alias == "":
				found = append(found, *r)
				ttl = min(ttl, r.ttl)
			case next == "":
				next = r.alias
				ttl = min(ttl, r.ttl)
			}
		}
		if len(found) > 0 || next == "" {
			return found, name, hops, ttl
		}
		name = next
		hops++
	}
	return nil, name, hops, ttl
}
