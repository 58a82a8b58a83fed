package smpp

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"

	"go.uber.org/zap"

	"maskline/smpp/pdu"
)

// OutbindConfig lets an SMSC connect to us and ask for our bind, instead of our
// connecting to it. SMPP 3.4 §2.2.1, §4.1.7
type OutbindConfig struct {
	Enabled  bool           // the bind is made on the SMSC's outbind alone; we do not connect
	SystemID string         // that the SMSC shows
	Password string         // that it shows
	Allow    []netip.Prefix // sources that it may come from; none: nobody may
}

// expects reports whether an outbind is the one that is waited for. System_id
// and password are compared together, as hashes, in constant time.
func (c *OutbindConfig) expects(o *pdu.OutbindRequest, source netip.Addr) bool {
	given := sha256.Sum256(append(append(append([]byte(nil), o.SystemID...), 0), o.Password...))
	want := sha256.Sum256([]byte(c.SystemID + "\x00" + c.Password))
	same := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	for _, p := range c.Allow {
		if p.Contains(source) {
			return c.Enabled && same
		}
	}
	return false
}

// handleOutbind binds back to an SMSC that has connected to us, on its own
// connection. An outbind has no response: one that nobody waits for is refused
// with a generic_nack and counted.
func (s *session) handleOutbind(t *turn, h pdu.Header, body []byte) {
	e := s.edge
	var o pdu.OutbindRequest
	err := o.Decode(body)
	switch {
	case s.dialer != nil: // it has shown one already
		s.nack(t, h.Sequence, pdu.RInvBndSts)
		return
	case !e.takesOutbinds:
		e.metrics.authFailures[authOutbind].Inc()
		s.nack(t, h.Sequence, pdu.RInvCmdID)
		return
	case err != nil || e.draining.Load() || e.sources.locked(s.source, t.now):
	default:
		if d := e.claimOutbind(&o, s); d != nil {
			s.bindBack(t, d)
			return
		}
	}
	e.sources.failed(s.source, t.now)
	e.metrics.authFailures[authOutbind].Inc()
	if e.floods.allow(t.at) {
		e.log.Warn("outbind refused", zap.Stringer("source", s.source))
	}
	s.waitOut(e.cfg.Auth.Delay)
	s.nack(t, h.Sequence, pdu.RBindFail)
	s.close(t, authOutbind.text())
}

// claimOutbind finds a bind that waits for this outbind, and gives it the
// session; nil where there is none.
func (e *Edge) claimOutbind(o *pdu.OutbindRequest, s *session) *dialer {
	for _, c := range e.carriers {
		for _, d := range c.dialers {
			if d.bind.Outbind.expects(o, s.source) && d.claim(s) {
				return d
			}
		}
	}
	return nil
}

// claim makes a session the dialer's, where it has none.
func (d *dialer) claim(s *session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil {
		return false
	}
	d.session, d.since = s, d.edge.clock()
	return true
}

// bindBack sends our bind over the connection of an SMSC.
func (s *session) bindBack(t *turn, d *dialer) {
	s.mu.Lock()
	s.dialer = d
	s.mu.Unlock()
	s.stats = d.stats
	d.stats.attempts.Add(1)
	s.requestBind(t)
}
