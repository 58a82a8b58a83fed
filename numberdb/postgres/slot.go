package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"maskline/numberdb"
)

const (
	temporarySlot = "maskline_" // and chance
	outputPlugin  = "pgoutput"
	longestFrame  = 1 << 20 // octets of one message of the server
)

// resumable is where a named slot goes on.
type resumable struct {
	source   source
	table    tableID
	position numberdb.Position
}

// openLogical opens a replication connection with its slot.
func (s *Store) openLogical(ctx context.Context, held numberdb.Position) (_ numberdb.Feed, err error) {
	f := &logical{store: s, slot: s.cfg.Slot, info: numberdb.FeedInfo{Kind: numberdb.Logical, Durable: s.cfg.Slot != ""}}
	if f.facts, err = s.facts(ctx); err != nil {
		return nil, err
	}
	if f.facts.walLevel != "logical" {
		return nil, &unavailableError{reason: "wal_level is " + f.facts.walLevel + "; it needs wal_level = logical and a restart"}
	}
	if err := s.publish(ctx, &f.facts); err != nil {
		return nil, err
	}
	if f.conn, err = s.connectReplication(ctx); err != nil {
		return nil, err
	}
	defer func() { //nolint:contextcheck // Close has a deadline of its own
		if err != nil {
			_ = f.Close() // err says more
		}
	}()
	bounded, cancel := s.deadline(ctx)
	defer cancel()
	system, err := pglogrepl.IdentifySystem(bounded, f.conn)
	if err != nil {
		return nil, fmt.Errorf("identifying the system: %w", err)
	}
	from := source{numberdb.Logical, system.SystemID, system.Timeline}
	f.era = s.enter(from)
	if f.slot != "" && f.facts.keepSize < 0 {
		f.info.Warning = "max_slot_wal_keep_size is unlimited: an edge that is away for long lets its slot fill the server's disk"
	}
	if f.slot != "" && held != 0 && s.resumes(resumable{from, f.facts.table, held}) {
		if f.info.Resumes, err = s.slotReaches(ctx, f.slot, held); err != nil {
			return nil, err
		}
	}
	if f.info.Resumes {
		f.start = held
		return f, nil
	}
	return f, f.createSlot(ctx)
}

// resumes tells whether the last feed ended there.
func (s *Store) resumes(at resumable) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resume == at
}

// connectReplication makes a connection that speaks the replication protocol.
func (s *Store) connectReplication(ctx context.Context) (*pgconn.PgConn, error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	cfg := s.pool.Config().ConnConfig.Config.Copy()
	for name, value := range map[string]string{
		"replication": "database",
		// The slot's snapshot is a transaction, idle while others load under it.
		"idle_in_transaction_session_timeout": milliseconds(2 * s.cfg.Load),
		"statement_timeout":                   "0",
		"lock_timeout":                        "0",
		// Where this end has vanished, a temporary slot is to vanish soon.
		"wal_sender_timeout": milliseconds(2 * s.cfg.Query),
	} {
		cfg.RuntimeParams[name] = value
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting for replication: %w", err)
	}
	conn.Frontend().SetMaxBodyLen(longestFrame)
	return conn, nil
}

// slotReaches tells whether the slot still has everything after held.
func (s *Store) slotReaches(ctx context.Context, slot string, held numberdb.Position) (reaches bool, err error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND plugin = $2
		AND database = current_database() AND NOT temporary AND wal_status <> 'lost' AND restart_lsn IS NOT NULL
		AND confirmed_flush_lsn - '0/0' <= $3)`, slot, outputPlugin, int64(held&rawMask)).Scan(&reaches)
	if err != nil {
		return false, fmt.Errorf("looking for the slot: %w", err)
	}
	return reaches, nil
}

// createSlot makes the slot and its snapshot. It waits for transactions that
// write, of the whole cluster.
func (f *logical) createSlot(ctx context.Context) error {
	named := f.slot != ""
	if named {
		if err := f.dropSlot(ctx); err != nil {
			return err
		}
	} else {
		var chance [8]byte
		_, _ = rand.Read(chance[:]) // it never fails, says crypto/rand
		f.slot = temporarySlot + hex.EncodeToString(chance[:])
	}
	bounded, cancel := f.store.deadline(ctx)
	defer cancel()
	made, err := pglogrepl.CreateReplicationSlot(bounded, f.conn, f.slot, outputPlugin,
		pglogrepl.CreateReplicationSlotOptions{Temporary: !named, SnapshotAction: "EXPORT_SNAPSHOT"})
	if err != nil {
		if ctx.Err() == nil && errors.Is(bounded.Err(), context.DeadlineExceeded) {
			return &unavailableError{"a transaction that writes is open for long, and a replication slot waits for all of them", true}
		}
		return fmt.Errorf("making the replication slot: %w", err)
	}
	start, err := pglogrepl.ParseLSN(made.ConsistentPoint)
	if err != nil {
		return malformed("the slot's consistent point")
	}
	f.start, f.snapshot = f.era|numberdb.Position(start), made.SnapshotName
	return nil
}

// dropSlot removes a slot of before, whose place in the WAL fits nothing that
// this process holds.
func (f *logical) dropSlot(ctx context.Context) error {
	ctx, cancel := f.store.deadline(ctx)
	defer cancel()
	err := pglogrepl.DropReplicationSlot(ctx, f.conn, f.slot, pglogrepl.DropReplicationSlotOptions{})
	var server *ServerError
	if err == nil || errors.As(clean(err), &server) && server.State == undefinedObject {
		return nil
	}
	return fmt.Errorf("dropping the slot of before: %w", err)
}
