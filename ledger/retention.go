package ledger

import (
	"context"
	"fmt"
)

// expire deletes what is too old or too much.
func (l *Ledger) expire(ctx context.Context) error {
	now := l.cfg.Now()
	receipts, err := l.deleteRows(ctx, `DELETE FROM held WHERE at < ?`, now.Add(-l.cfg.HeldFor).UnixMicro())
	if err != nil {
		return fmt.Errorf("expiring held receipts: %w", err)
	}
	l.metrics.expired.Add(float64(receipts))
	if _, err := l.deleteRows(ctx, `DELETE FROM sent WHERE newest < ?`, now.Add(-l.cfg.SentFor).UnixMicro()); err != nil {
		return fmt.Errorf("expiring submissions: %w", err)
	}
	return l.boundSent(ctx)
}

// boundSent deletes the oldest groups beyond Config.SentMax.
func (l *Ledger) boundSent(ctx context.Context) error {
	if _, err := l.deleteRows(ctx, `DELETE FROM sent WHERE id <= (SELECT id FROM
		(SELECT id, sum(count) OVER (ORDER BY id DESC) AS kept FROM sent) WHERE kept > ? ORDER BY id DESC LIMIT 1)`, int64(l.cfg.SentMax)); err != nil {
		return fmt.Errorf("bounding submissions: %w", err)
	}
	if err := l.db.QueryRowContext(ctx, `SELECT coalesce(sum(count), 0) FROM sent`).Scan(&l.writer.kept); err != nil {
		return fmt.Errorf("counting submissions: %w", err)
	}
	return nil
}

func (l *Ledger) deleteRows(ctx context.Context, text string, arg int64) (int64, error) {
	result, err := l.db.ExecContext(ctx, text, arg)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
