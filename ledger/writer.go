package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	expireEvery = time.Hour
	writeTime   = 30 * time.Second // for one transaction
	complainAt  = time.Minute      // between two log lines about a disk that fails
)

// writer is what only the ledger's goroutine uses.
type writer struct {
	hold, forget, group *sql.Stmt
	nextGroup           uint64
	kept                int     // submissions in the file
	pending             []chunk // taken and not yet written; their ids follow nextGroup
	forgotten           []op    // not yet written
	sealed              []byte  // buffer
	complained          time.Time
	lost                int // submissions that could not be written before Close
}

func (w *writer) prepare(ctx context.Context, l *Ledger) (err error) {
	if w.hold, err = l.db.PrepareContext(ctx, `INSERT INTO held (id, at, sealed) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, sealed = excluded.sealed`); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if w.forget, err = l.db.PrepareContext(ctx, `DELETE FROM held WHERE id = ?`); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if w.group, err = l.db.PrepareContext(ctx, `INSERT OR REPLACE INTO sent (id, newest, count, sealed) VALUES (?, ?, ?, ?)`); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	var last int64
	if err := l.db.QueryRowContext(ctx, `SELECT coalesce(max(id), 0), coalesce(sum(count), 0) FROM sent`).Scan(&last, &w.kept); err != nil {
		return fmt.Errorf("reading the last group: %w", err)
	}
	w.nextGroup = uint64(last) + 1
	return nil
}

func (w *writer) close() error {
	return errors.Join(w.hold.Close(), w.forget.Close(), w.group.Close())
}

// run writes holds as they come, submissions every FlushEvery, and forgets what
// is old every hour, until the ledger is closed and all is written.
func (l *Ledger) run() {
	defer close(l.stopped)
	flush := time.NewTicker(l.cfg.FlushEvery)
	defer flush.Stop()
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	for {
		closed := false
		select {
		case <-l.wake:
			closed = l.writeHolds()
		case <-flush.C:
			l.writeSent()
			if len(l.writer.forgotten) > 0 {
				l.writeHolds()
			}
		case <-expire.C:
			ctx, cancel := context.WithTimeout(context.Background(), writeTime)
			if err := l.expire(ctx); err != nil {
				l.complain(err)
			}
			cancel()
		}
		if closed {
			l.writeSent()
			l.countLost()
			return
		}
	}
}

// writeHolds writes all receipts that wait in one transaction and tells their
// callers; it reports whether the ledger was closed before.
func (l *Ledger) writeHolds() (closed bool) {
	l.mu.Lock()
	ops := l.holds
	l.holds = nil
	closed = l.closed
	l.mu.Unlock()
	ops = append(l.writer.forgotten, ops...)
	l.writer.forgotten = nil
	if len(ops) == 0 {
		return closed
	}
	err := l.transact(func(ctx context.Context, tx *sql.Tx) error { return l.putHolds(ctx, tx, ops) })
	if err != nil {
		err = fmt.Errorf("holding a receipt: %w", err)
	}
	for i := range ops {
		switch {
		case ops[i].done == nil && err != nil:
			l.writer.forgotten = append(l.writer.forgotten, ops[i])
		case ops[i].done != nil:
			if err != nil {
				l.metrics.holdFailures.Inc()
			} else {
				l.metrics.holds.Inc()
			}
			ops[i].done(err)
		}
	}
	return closed
}

func (l *Ledger) putHolds(ctx context.Context, tx *sql.Tx, ops []op) error {
	hold := tx.StmtContext(ctx, l.writer.hold)
	defer func() { _ = hold.Close() }() // it ends with the transaction anyway
	forget := tx.StmtContext(ctx, l.writer.forget)
	defer func() { _ = forget.Close() }() // as above
	for i := range ops {
		var err error
		if ops[i].sealed != nil {
			_, err = hold.ExecContext(ctx, int64(ops[i].id), ops[i].at, ops[i].sealed)
		} else {
			_, err = forget.ExecContext(ctx, int64(ops[i].id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeSent writes the submissions noted so far. Where that fails they wait for
// the next time, within the bound of the buffer.
func (l *Ledger) writeSent() {
	l.mu.Lock()
	l.writer.pending = append(l.writer.pending, l.sent.take()...)
	l.mu.Unlock()
	if len(l.writer.pending) == 0 {
		return
	}
	next := l.writer.nextGroup
	err := l.transact(func(ctx context.Context, tx *sql.Tx) error { return l.putSent(ctx, tx, next) })
	if err != nil {
		return
	}
	for _, c := range l.writer.pending {
		l.writer.kept += c.count
	}
	l.writer.nextGroup = next + uint64(len(l.writer.pending))
	l.mu.Lock()
	l.sent.release(l.writer.pending)
	l.mu.Unlock()
	l.writer.pending = l.writer.pending[:0]
	if l.writer.kept > l.cfg.SentMax+l.cfg.SentMax/8 {
		ctx, cancel := context.WithTimeout(context.Background(), writeTime)
		defer cancel()
		if err := l.boundSent(ctx); err != nil {
			l.complain(err)
		}
	}
}

// countLost counts what a failing disk did not take before the end.
func (l *Ledger) countLost() {
	for _, c := range l.writer.pending {
		l.writer.lost += c.count
	}
	l.metrics.dropped.Add(float64(l.writer.lost))
}

func (l *Ledger) putSent(ctx context.Context, tx *sql.Tx, id uint64) error {
	group := tx.StmtContext(ctx, l.writer.group)
	defer func() { _ = group.Close() }() // it ends with the transaction anyway
	for _, c := range l.writer.pending {
		l.writer.sealed = l.sentBox.Seal(l.writer.sealed[:0], c.records, place(id))
		if _, err := group.ExecContext(ctx, int64(id), c.newest, c.count, l.writer.sealed); err != nil {
			return err
		}
		id++
	}
	return nil
}

// transact commits what write does, counts and reports faults.
func (l *Ledger) transact(write func(context.Context, *sql.Tx) error) error {
	started := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	tx, err := l.db.BeginTx(ctx, nil)
	if err == nil {
		// A context that can end costs the driver a goroutine for each statement.
		if err = write(context.WithoutCancel(ctx), tx); err == nil {
			err = tx.Commit()
		}
		if err != nil {
			_ = tx.Rollback() // what made it necessary is reported
		}
	}
	if err != nil {
		l.complain(err)
		return err
	}
	l.metrics.commits.Observe(time.Since(started).Seconds())
	return nil
}

// complain counts a fault of the disk and logs it, once a minute.
func (l *Ledger) complain(err error) {
	l.metrics.writeErrors.Inc()
	if now := time.Now(); now.Sub(l.writer.complained) >= complainAt {
		l.writer.complained = now
		l.log.Error("the ledger cannot write; receipts are left with their carriers", zap.Error(err))
	}
}
