package postgres

import (
	"context"
	"time"
)

const (
	trimRows = 10_000                 // deleted by one statement
	trimTime = 200 * time.Millisecond // for one pass; the rest waits for the next
)

// trim removes changelog rows that are older than Keep. First it commits how
// far it will go, so that a follower below notices, whatever else happens. It
// never passes a transaction that still runs.
func (f *follower) trim(ctx context.Context) error {
	ctx, cancel := f.store.deadline(ctx)
	defer cancel()
	end := time.Now().Add(trimTime)
	if _, err := f.conn.Exec(ctx, `UPDATE maskline.feed SET trimmed = last.xid
		FROM (SELECT least(pg_snapshot_xmin(pg_current_snapshot()), (SELECT w.xid FROM maskline.changelog w
			WHERE w.at >= clock_timestamp() - make_interval(secs => $1) ORDER BY w.xid LIMIT 1)) AS xid) young,
		LATERAL (SELECT w.xid FROM maskline.changelog w WHERE w.xid < young.xid ORDER BY w.xid DESC LIMIT 1) last
		WHERE trimmed < last.xid`, f.store.cfg.Keep.Seconds()); err != nil {
		return err
	}
	for time.Now().Before(end) {
		tag, err := f.conn.Exec(ctx, `DELETE FROM maskline.changelog WHERE ctid = ANY (ARRAY(
			SELECT w.ctid FROM maskline.changelog w, maskline.feed f WHERE w.xid <= f.trimmed LIMIT $1))`, trimRows)
		if err != nil {
			return err
		}
		if tag.RowsAffected() < trimRows {
			return nil
		}
	}
	return nil
}
