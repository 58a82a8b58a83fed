package sip

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"golang.org/x/time/rate"

	"maskline/e164"
)

// parserLog brings what sipgo logs into our log. sipgo logs whole packets, start
// lines and errors that quote them, so of a record only its message goes on,
// redacted; and no more than a few a second, since strangers can cause them.
type parserLog struct {
	next  slog.Handler
	limit *rate.Limiter
}

func newParserLog(log *zap.Logger) *slog.Logger {
	const perSecond, burst = 1, 5
	return slog.New(&parserLog{
		next:  zapslog.NewHandler(log.Core(), zapslog.WithName("sipgo")),
		limit: rate.NewLimiter(perSecond, burst),
	})
}

// Enabled leaves out debugging, which sipgo does for every message.
func (h *parserLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.next.Enabled(ctx, level)
}

// Handle passes on the message alone.
func (h *parserLog) Handle(ctx context.Context, r slog.Record) error {
	if !h.limit.AllowN(r.Time, 1) {
		return nil
	}
	return h.next.Handle(ctx, slog.NewRecord(r.Time, r.Level, e164.Redact(r.Message), 0))
}

// WithAttrs drops them.
func (h *parserLog) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup drops it.
func (h *parserLog) WithGroup(string) slog.Handler { return h }
