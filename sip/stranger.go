package sip

import (
	"net/netip"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// strangerEvery is how often the log has a stranger at most: scanners never rest.
const strangerEvery = 10 * time.Second

// strangers tells the log who was refused as nobody's neighbour.
type strangers struct {
	log  *zap.Logger
	now  func() time.Time
	next atomic.Int64 // when the log may have another, in nanoseconds
	seen atomic.Int64 // since the one that it has
}

// Why somebody is a stranger.
const (
	byAddress     = "address"     // no trunk's allow has it
	byCertificate = "certificate" // it has no name of a trunk's tls.peer
)

func (s *strangers) refuse(source netip.AddrPort, over transport, why string) {
	seen := s.seen.Add(1)
	now, next := s.now().UnixNano(), s.next.Load()
	if now < next || !s.next.CompareAndSwap(next, now+int64(strangerEvery)) {
		return
	}
	s.seen.Add(-seen)
	s.log.Info("refused a stranger", zap.Stringer("source", source.Addr()), zap.Stringer("transport", over),
		zap.String("by", why), zap.Int64("seen", seen))
}
