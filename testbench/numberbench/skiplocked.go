package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/testbench/pgtest"
)

const (
	leasable   = 400_000 // numbers in the peer's table
	leasingFor = 5 * time.Second
)

// Numbers are in random order so that clients do not meet at one row.
const leasableSchema = `
CREATE TABLE numbers (id int PRIMARY KEY, rnd float8 NOT NULL, state int NOT NULL DEFAULT 0, owner int, times int NOT NULL DEFAULT 0);
INSERT INTO numbers (id, rnd) SELECT i, random() FROM generate_series(1, %d) i;
CREATE INDEX ON numbers (rnd) WHERE state = 0;
ANALYZE numbers`

const leaseText = `UPDATE numbers SET state = 1, owner = $1, times = times + 1
	WHERE id = (SELECT id FROM numbers WHERE state = 0 AND rnd >= $2 ORDER BY rnd LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id`

// leaseBySQL is the usual way to share numbers out of a database, for comparison:
// each client takes one number by one statement, durably. It returns numbers a
// second.
func leaseBySQL(ctx context.Context, server *pgtest.Server, clients, scale int) (rate float64, err error) {
	if err := server.CreateDatabase(ctx, "peer"); err != nil {
		return 0, err
	}
	conns := make([]*pgx.Conn, clients)
	defer func() {
		for _, c := range conns {
			if c != nil {
				err = errors.Join(err, c.Close(ctx))
			}
		}
	}()
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, server.URL("peer")); err != nil {
			return 0, fmt.Errorf("connecting: %w", err)
		}
	}
	if _, err := conns[0].Exec(ctx, fmt.Sprintf(leasableSchema, leasable)); err != nil {
		return 0, fmt.Errorf("making the peer's table: %w", err)
	}
	lasts := max(time.Second, leasingFor*time.Duration(scale)/100)
	started := time.Now()
	var leased atomic.Int64
	faults := make(chan error, clients)
	var working sync.WaitGroup
	for i, c := range conns {
		working.Go(func() {
			for n := i; time.Since(started) < lasts; n += clients {
				var id int
				from := float64(n*7919%leasable) / leasable // another part of the index each time
				switch err := c.QueryRow(ctx, leaseText, i, from).Scan(&id); {
				case errors.Is(err, pgx.ErrNoRows): // nothing behind that
				case err != nil:
					faults <- err
					return
				default:
					leased.Add(1)
				}
			}
		})
	}
	working.Wait()
	took := time.Since(started)
	close(faults)
	if err := <-faults; err != nil {
		return 0, fmt.Errorf("leasing a number: %w", err)
	}
	var once, twice int64
	if err := conns[0].QueryRow(ctx, `SELECT count(*) FILTER (WHERE times = 1), count(*) FILTER (WHERE times > 1) FROM numbers`).Scan(&once, &twice); err != nil {
		return 0, fmt.Errorf("counting: %w", err)
	}
	if once != leased.Load() || twice > 0 {
		return 0, fmt.Errorf("%d leases, %d numbers leased once, %d more often", leased.Load(), once, twice)
	}
	return float64(once) / took.Seconds(), nil
}
