package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"maskline/numberdb"
)

// logical is the feed by logical replication.
type logical struct {
	store    *Store
	conn     *pgconn.PgConn
	facts    facts // before the slot was made
	info     numberdb.FeedInfo
	slot     string
	snapshot string            // exported by the slot
	era      numberdb.Position // in front of every position
	start    numberdb.Position // where the stream begins
}

func (f *logical) About() numberdb.FeedInfo { return f.info }

// Load reads the snapshot that the slot exported.
func (f *logical) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	ctx, done, err := f.store.begin(ctx)
	if err != nil {
		return numberdb.Snapshot{}, err
	}
	defer done()
	refused, err := f.store.copyAll(ctx, f.snapshot, put)
	if err != nil {
		return numberdb.Snapshot{}, explain(ctx, "loading bindings", err)
	}
	return numberdb.Snapshot{Position: f.start, Refused: refused}, nil
}

// Follow streams from the slot.
func (f *logical) Follow(ctx context.Context, apply func(numberdb.Batch)) error {
	ctx, done, err := f.store.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return explain(ctx, "following the replication", f.follow(ctx, apply))
}

func (f *logical) follow(ctx context.Context, apply func(numberdb.Batch)) error {
	// Between the facts and the slot, and while it was loaded, the table may
	// have become another.
	if err := f.sameTable(ctx); err != nil {
		return err
	}
	if err := f.startReplication(ctx); err != nil {
		return err
	}
	stream := newStream(f, apply)
	err := stream.run(ctx)
	f.store.remember(f, stream.position, err)
	return err
}

func (f *logical) startReplication(ctx context.Context) error {
	ctx, cancel := f.store.deadline(ctx)
	defer cancel()
	args := []string{`proto_version '1'`, `publication_names '` + publication + `'`}
	if f.facts.version >= 140000 {
		args = append(args, `binary 'true'`)
	}
	if err := pglogrepl.StartReplication(ctx, f.conn, f.slot, pglogrepl.LSN(f.start&rawMask),
		pglogrepl.StartReplicationOptions{PluginArgs: args}); err != nil {
		return fmt.Errorf("starting the replication: %w", err)
	}
	return nil
}

// sameTable returns numberdb.ErrFeedLost where the rows of the table were
// written anew, or it left the publication.
func (f *logical) sameTable(ctx context.Context) error {
	now, err := f.store.facts(ctx)
	if err != nil {
		return err
	}
	if now.table != f.facts.table || !now.layout.equal(f.facts.layout) || !now.published.Bool {
		return numberdb.ErrFeedLost
	}
	return nil
}

// remember keeps where a named slot can go on.
func (s *Store) remember(f *logical, position numberdb.Position, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume = resumable{}
	if f.info.Durable && !errors.Is(err, numberdb.ErrFeedLost) {
		s.resume = resumable{s.source, f.facts.table, position}
	}
}

// Close ends the connection, and with it a temporary slot and its snapshot.
func (f *logical) Close() error {
	if f.conn == nil {
		return nil
	}
	ctx, cancel := f.store.deadline(context.Background())
	defer cancel()
	err := f.conn.Close(ctx)
	<-f.conn.CleanupDone()
	if err != nil {
		return errors.New("the replication connection did not close in order")
	}
	return nil
}
