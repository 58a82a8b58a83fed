package rtpload

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// read takes what comes to one carrier until its socket is closed.
func (c *Carriers) read(conn *net.UDPConn) {
	parser := sip.NewParser()
	b := make([]byte, 65535)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // what the edge's host reported; it may be starting
		}
		message, err := parser.ParseSIP(b[:n])
		if err != nil || message.CallID() == nil || message.CSeq() == nil {
			continue
		}
		switch m := message.(type) {
		case *sip.Response:
			c.answered(m)
		case *sip.Request:
			if reply := c.reply(m, conn); reply != nil {
				_, _ = conn.WriteToUDPAddrPort(reply, from) // the edge repeats
			}
		}
	}
}

// answered gives an answer to who waits. One that is repeated has missed its ACK.
func (c *Carriers) answered(r *sip.Response) {
	c.mu.Lock()
	ack := c.replies[r.CallID().Value()]
	c.mu.Unlock()
	if ack != nil && r.CSeq().MethodName == sip.INVITE {
		_, _ = c.caller.WriteToUDPAddrPort(ack, c.edge)
		return
	}
	select {
	case c.answers <- r:
	default: // nobody waits
	}
}

// reply answers a request of the edge; nil: none is due.
func (c *Carriers) reply(r *sip.Request, conn *net.UDPConn) []byte {
	switch r.Method {
	case sip.ACK:
		return nil
	case sip.INVITE:
		return c.pickUp(r, conn)
	default:
		return []byte(sip.NewResponseFromRequest(r, sip.StatusOK, "OK", nil).String())
	}
}

// pickUp answers the edge's INVITE for the party that is to be called. An INVITE of
// a call that stands is refused: nothing changes.
func (c *Carriers) pickUp(r *sip.Request, conn *net.UDPConn) []byte {
	if r.To() != nil && r.To().Params.Has("tag") {
		return []byte(sip.NewResponseFromRequest(r, sip.StatusNotAcceptableHere, "Not Acceptable Here", nil).String())
	}
	id := r.CallID().Value()
	c.mu.Lock()
	defer c.mu.Unlock()
	if again := c.replies[id]; again != nil {
		return again
	}
	at, err := voice(r.Body())
	if err != nil {
		return []byte(sip.NewResponseFromRequest(r, sip.StatusNotAcceptableHere, "Not Acceptable Here", nil).String())
	}
	resp := sip.NewResponseFromRequest(r, sip.StatusOK, "OK", describe(c.party))
	resp.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<sip:callee@%v>", local(conn))))
	resp.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	select {
	case c.offers <- at:
	default: // nobody waits
	}
	c.replies[id] = []byte(resp.String())
	return c.replies[id]
}

func (c *Carriers) invite(d *dialog, at netip.AddrPort) []byte {
	body := describe(at)
	return fmt.Appendf(nil, "INVITE sip:+%[1]s@%[2]v SIP/2.0\r\nVia: SIP/2.0/UDP %[3]v;branch=z9hG4bK%[4]s;rport\r\nMax-Forwards: 70\r\n"+
		"From: %[5]s\r\nTo: <sip:+%[1]s@edge.example>\r\nCall-ID: %[4]s\r\nCSeq: 1 INVITE\r\nContact: <sip:+%[6]s@%[3]v>\r\n"+
		"P-Asserted-Identity: <sip:+%[6]s@carrier.example>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"+
		"Content-Type: application/sdp\r\nContent-Length: %[7]d\r\n\r\n%[8]s",
		c.mask, c.edge, local(c.caller), d.id, d.from, c.from, len(body), body)
}

// request is one within a call, or the ACK that answers its 200.
func (c *Carriers) request(d *dialog, method sip.RequestMethod, number int) []byte {
	return fmt.Appendf(nil, "%[1]s %[2]s SIP/2.0\r\nVia: SIP/2.0/UDP %[3]v;branch=z9hG4bK%[4]s-%[5]d-%[1]s;rport\r\nMax-Forwards: 70\r\n"+
		"From: %[6]s\r\nTo: %[7]s\r\nCall-ID: %[4]s\r\nCSeq: %[5]d %[1]s\r\nContent-Length: 0\r\n\r\n",
		method, d.contact, local(c.caller), d.id, number, d.from, d.to)
}

// refused acknowledges an answer that is no success. // RFC 3261 §17.1.1.3
func (c *Carriers) refused(d *dialog, r *sip.Response) []byte {
	to := ""
	if r.To() != nil {
		to = r.To().Value()
	}
	return fmt.Appendf(nil, "ACK sip:+%[1]s@%[2]v SIP/2.0\r\nVia: SIP/2.0/UDP %[3]v;branch=z9hG4bK%[4]s;rport\r\nMax-Forwards: 70\r\n"+
		"From: %[5]s\r\nTo: %[6]s\r\nCall-ID: %[4]s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
		c.mask, c.edge, local(c.caller), d.id, d.from, to)
}

// describe is a description of one voice in PCMU.
func describe(at netip.AddrPort) []byte {
	version := "IP4"
	if at.Addr().Is6() {
		version = "IP6"
	}
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN %[3]s %[1]v\r\ns=-\r\nc=IN %[3]s %[1]v\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n",
		at.Addr(), at.Port(), version)
}

// voice finds the address of the audio in a description.
func voice(body []byte) (netip.AddrPort, error) {
	var host, version string
	var port uint16
	for line := range strings.Lines(string(body)) {
		_, _ = fmt.Sscanf(line, "c=IN %s %s", &version, &host)
		_, _ = fmt.Sscanf(line, "m=audio %d ", &port)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || port == 0 {
		return netip.AddrPort{}, errors.New("no audio address in the description")
	}
	return netip.AddrPortFrom(addr, port), nil
}
