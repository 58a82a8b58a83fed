package verify

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
)

// breaker knows the prefixes to which a tenant's codes are stopped: codes that
// nobody types in are asked for by who earns from their delivery. The store counts,
// so that all edges know the same, after a restart too.
type breaker struct {
	stopped atomic.Pointer[map[tenantPrefix]struct{}]
}

type tenantPrefix struct{ tenant, prefix string }

func (b *breaker) open(tenant, prefix string) bool {
	all := b.stopped.Load()
	if all == nil {
		return false
	}
	_, stopped := (*all)[tenantPrefix{tenant, prefix}]
	return stopped
}

func (b *breaker) length() int {
	if all := b.stopped.Load(); all != nil {
		return len(*all)
	}
	return 0
}

// judge stops the prefixes that convert too seldom.
func (b *breaker) judge(counts []numberdb.VerificationCount, cfg *BreakerConfig) {
	stopped := map[tenantPrefix]struct{}{}
	for i := range counts {
		c := &counts[i]
		if c.Sent >= cfg.Least && float64(c.Verified) < cfg.Ratio*float64(c.Sent) {
			stopped[tenantPrefix{c.Tenant, c.Prefix}] = struct{}{}
		}
	}
	b.stopped.Store(&stopped)
}

// countEvery is how often the breaker looks.
const countEvery = 10 * time.Second

// Run counts for the breaker until ctx ends. A store that is away leaves it as it
// is.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		s.Count(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Count judges the prefixes now.
func (s *Service) Count(ctx context.Context) {
	now, cfg := s.now(), &s.cfg.Breaker
	counts, err := s.store.CountVerifications(ctx, numberdb.VerificationQuery{
		Tenant: numberdb.AnyTenant, Since: now.Add(-cfg.Window), To: now.Add(-cfg.Settle),
	})
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("verifications cannot be counted; prefixes stay as they are", zap.Error(err))
		}
		return
	}
	before := s.breaker.length()
	s.breaker.judge(counts, cfg)
	if after := s.breaker.length(); after > before {
		s.log.Warn("codes to prefixes that nobody types in are stopped", zap.Int("prefixes", after))
	}
}
