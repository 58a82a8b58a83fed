package ledger

import (
	"context"
	"fmt"

	"go.uber.org/zap"
)

// Restore hands over everything kept and not expired: submissions in the order
// in which they were noted, so that the last note of a key wins, then receipts
// in the order in which they were held. It is called at the start, before new
// ones come. What cannot be read is counted and left out.
func (l *Ledger) Restore(ctx context.Context, sent func(Submission), held func(HeldReceipt)) error {
	if err := l.restoreSent(ctx, sent); err != nil {
		return fmt.Errorf("restoring submissions: %w", err)
	}
	if err := l.restoreHeld(ctx, held); err != nil {
		return fmt.Errorf("restoring held receipts: %w", err)
	}
	return nil
}

func (l *Ledger) restoreSent(ctx context.Context, sent func(Submission)) error {
	rows, err := l.db.QueryContext(ctx, `SELECT id, sealed FROM sent ORDER BY id`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	oldest := l.cfg.Now().Add(-l.cfg.SentFor)
	var sealed, plain []byte
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id, &sealed); err != nil {
			return err
		}
		plain, err = l.sentBox.Open(plain[:0], sealed, place(uint64(id)))
		for rest := plain; err == nil && len(rest) > 0; {
			var s Submission
			if s, rest, err = readSubmission(rest); err == nil && !s.At.Before(oldest) {
				sent(s)
			}
		}
		if err != nil {
			l.unreadable(err)
		}
	}
	return rows.Err()
}

func (l *Ledger) restoreHeld(ctx context.Context, held func(HeldReceipt)) error {
	rows, err := l.db.QueryContext(ctx, `SELECT id, sealed FROM held WHERE at >= ? ORDER BY seq`,
		l.cfg.Now().Add(-l.cfg.HeldFor).UnixMicro())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	var sealed []byte
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id, &sealed); err != nil {
			return err
		}
		plain, err := l.heldBox.Open(nil, sealed, place(uint64(id)))
		var r HeldReceipt
		if err == nil {
			r, err = readReceipt(plain)
		}
		if err != nil {
			l.unreadable(err)
			continue
		}
		r.ID = uint64(id)
		held(r)
	}
	return rows.Err()
}

func (l *Ledger) unreadable(err error) {
	l.metrics.unreadable.Inc()
	l.log.Error("an entry of the ledger cannot be read and is left out", zap.Error(err))
}
