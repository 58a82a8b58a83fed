package sip

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"maskline/sip/message"
	"maskline/tlsfile"
)

// trunkSet is the trunks of one configuration. It never changes: a reload puts
// another one in its place.
type trunkSet struct {
	list      []*trunk // in the order of the configuration
	byName    map[string]*trunk
	byCarrier map[string][]*trunk // those that we can send to
	matcher   *matcher
	probers   map[uint64]*prober // by their number in tokens

	// By their number in tokens, those too that still take themselves away.
	registrars map[uint64]*registrar

	// Of earlier configurations, those that calls still use: a source that only
	// they allow is heard, but may begin nothing.
	retired  []*trunk
	leftover *matcher
}

// retirement is what a reload has done to a trunk.
type retirement uint32

const (
	current  retirement = iota
	replaced            // another one has its name
	removed
)

// newTrunkSet makes the trunks of a configuration. Those that are as they were in
// old are taken over; equip gives each other one what it needs of the edge.
func newTrunkSet(cfg *Config, old *trunkSet, equip func(*trunk) error) (*trunkSet, error) {
	s := &trunkSet{byName: map[string]*trunk{}, byCarrier: map[string][]*trunk{}, probers: map[uint64]*prober{}, registrars: map[uint64]*registrar{}}
	for _, c := range cfg.Trunks {
		t, err := newTrunk(c, cfg.OwnMedia)
		if err != nil {
			return nil, err
		}
		if s.byName[t.Name] != nil {
			return nil, fmt.Errorf("trunk %s: there are two of this name", t.Name)
		}
		if before := old.byName[t.Name]; before != nil && reflect.DeepEqual(before.TrunkConfig, t.TrunkConfig) && tlsfile.Same(before.tls, t.tls) {
			t = before
		} else if err := equip(t); err != nil {
			return nil, fmt.Errorf("trunk %s: %w", t.Name, err)
		}
		s.byName[t.Name] = t
		s.list = append(s.list, t)
		if t.Carrier != "" && t.callable() {
			s.byCarrier[t.Carrier] = append(s.byCarrier[t.Carrier], t)
		}
	}
	s.matcher = newMatcher(s.list)
	return s, nil
}

// retire keeps the trunks that calls still use.
func (s *trunkSet) retire(trunks []*trunk) {
	s.retired = trunks
	s.leftover = newMatcher(trunks)
	s.leftover.rename(trunks)
}

// findNamed is the trunk of a source that showed a certificate of these names, nil
// for a stranger.
func (s *trunkSet) findNamed(source netip.AddrPort, names []string) *trunk {
	if t := s.matcher.findNamed(source, names); t != nil || s.leftover == nil {
		return t
	}
	return s.leftover.findNamed(source, names)
}

// retiredAt is a trunk of an earlier configuration that knows a source, nil where
// there is none.
func (s *trunkSet) retiredAt(source netip.AddrPort, names []string) *trunk {
	if s.leftover == nil {
		return nil
	}
	if t := s.leftover.findNamed(source, names); t != nil && !t.isNewcomer(source.Addr()) {
		return t
	}
	return nil
}

// knows reports whether a connection from a source may be anybody's.
func (s *trunkSet) knows(source netip.AddrPort, over transport) bool {
	return s.matcher.knows(source, over) || s.leftover != nil && s.leftover.knows(source, over)
}

// named is the newest trunk of a name that allows an address, nil where there is
// none.
func (s *trunkSet) named(name string, addr netip.Addr) *trunk {
	if t := s.byName[name]; t != nil && t.allows(addr) {
		return t
	}
	for _, t := range slices.Backward(s.retired) {
		if t.Name == name && t.allows(addr) {
			return t
		}
	}
	return nil
}

// set is the trunks in effect.
func (e *Edge) set() *trunkSet { return e.trunks.Load() }

// acquire keeps a trunk for a call until release. A trunk that was replaced by now
// gives way to its successor; nil: a call from it cannot begin.
func (e *Edge) acquire(t *trunk, req *message.Request) *trunk {
	for t != nil {
		if t.acquire() {
			return t
		}
		e.release(t)
		t = e.successor(t, req)
	}
	return nil
}

// successor is the trunk in effect of the same name, if a request may come from it.
func (e *Edge) successor(t *trunk, req *message.Request) *trunk {
	next := e.set().byName[t.Name]
	if next == nil || !next.allows(req.Source.Addr()) || !next.isPlain() && !e.streams.proves(req.Conn, next) {
		return nil
	}
	return next
}

// inEffect is whose rules a new call is judged by: those of now, where its source
// was found among trunks of earlier. A trunk without successor stays, and is refused.
func (e *Edge) inEffect(t *trunk, req *message.Request) *trunk {
	if retirement(t.retired.Load()) == current {
		return t
	}
	return cmp.Or(e.successor(t, req), t)
}

// acquire counts a call that uses the trunk. It is false where the trunk is no
// longer in effect; the call counts nevertheless.
func (t *trunk) acquire() bool {
	t.users.Add(1)
	return retirement(t.retired.Load()) == current
}

// release ends what acquire began. With its last call a retired trunk is
// forgotten.
func (e *Edge) release(t *trunk) {
	if t.users.Add(-1) > 0 || retirement(t.retired.Load()) == current {
		return
	}
	e.changing.Lock()
	defer e.changing.Unlock()
	s := *e.set()
	if t.users.Load() > 0 || !slices.Contains(s.retired, t) {
		return
	}
	s.retire(slices.DeleteFunc(slices.Clone(s.retired), func(r *trunk) bool { return r == t }))
	e.trunks.Store(&s)
}
