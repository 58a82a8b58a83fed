package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
)

// publication of maskline.bindings, which all edges share.
const publication = "maskline"

// facts are what the server says of itself and of the table.
type facts struct {
	walLevel  string
	version   int   // 150004
	keepSize  int64 // max_slot_wal_keep_size in MB, -1: unlimited
	table     tableID
	layout    layout
	published pgtype.Bool // NULL: there is no publication
}

// tableID changes when the rows are written anew or the table is another one:
// TRUNCATE, VACUUM FULL, CLUSTER and some ALTER TABLE.
type tableID struct {
	oid, file uint32
}

const factsText = `SELECT current_setting('wal_level'), current_setting('server_version_num')::int,
	(SELECT s.setting::bigint FROM pg_settings s WHERE s.name = 'max_slot_wal_keep_size'),
	t.oid, pg_relation_filenode(t.oid),
	ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE ` + ofTheTable + ` ORDER BY a.attnum),
	ARRAY(SELECT a.atttypid FROM pg_attribute a WHERE ` + ofTheTable + ` ORDER BY a.attnum),
	(SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND EXISTS (SELECT FROM pg_publication_tables pt
		WHERE pt.pubname = p.pubname AND pt.schemaname = 'maskline' AND pt.tablename = 'bindings')
		FROM pg_publication p WHERE p.pubname = '` + publication + `')
	FROM (SELECT 'maskline.bindings'::regclass::oid) t`

// Generated columns are not replicated.
const ofTheTable = `a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''`

func (s *Store) facts(ctx context.Context) (facts, error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	var f facts
	var names []string
	var types []uint32
	err := s.pool.QueryRow(ctx, factsText).Scan(&f.walLevel, &f.version, &f.keepSize, &f.table.oid, &f.table.file,
		&names, &types, &f.published)
	if err != nil {
		return f, fmt.Errorf("asking the server: %w", err)
	}
	for i := range names {
		f.layout = append(f.layout, layoutColumn{names[i], types[i]})
	}
	return f, f.layout.check()
}

// layout is the columns of a table in their order, by name and type.
type layout []layoutColumn

type layoutColumn struct {
	name string
	oid  uint32
}

// check refuses a table that lacks columns of ours, or has them in other types.
func (l layout) check() error {
	found := 0
	for i, place := range columnPlaces(l) {
		if place < 0 {
			continue
		}
		if l[i].oid != columnType(place) {
			return errRow
		}
		found++
	}
	if found != columnCount {
		return errRow
	}
	return nil
}

// publish makes the publication where it is missing. Who lacks the right is
// told by unavailable.
func (s *Store) publish(ctx context.Context, f *facts) error {
	switch {
	case f.published.Valid && f.published.Bool:
		return nil
	case f.published.Valid:
		return &unavailableError{reason: "the publication maskline does not publish all changes of maskline.bindings"}
	case s.cfg.ManualMigrations:
		return &unavailableError{reason: "there is no publication maskline; run maskline migrate"}
	}
	if err := s.createPublication(ctx); err != nil {
		var server *ServerError
		if errors.As(clean(err), &server) && server.State == insufficientPrivilege {
			return &unavailableError{reason: "the role may not create the publication maskline"}
		}
		return err
	}
	return nil
}

// makePublication makes the publication for edges that may not. A role that may
// not either is no fault: the changelog feeds.
func (s *Store) makePublication(ctx context.Context) error {
	f, err := s.facts(ctx)
	if err == nil {
		err = s.publish(ctx, &f)
	}
	if err != nil && unavailable(err) == nil {
		return explain(ctx, "making the publication", err)
	}
	return nil
}

func (s *Store) createPublication(ctx context.Context) error {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	_, err := s.pool.Exec(ctx, `CREATE PUBLICATION `+publication+` FOR TABLE maskline.bindings`)
	var server *ServerError
	if errors.As(clean(err), &server) && (server.State == duplicateObject || server.State == uniqueViolation) {
		return nil // another edge was faster
	}
	if err != nil {
		return fmt.Errorf("creating the publication: %w", err)
	}
	return nil
}

// SQLSTATEs that decide which feed it is.
// PostgreSQL documentation, appendix A.
const (
	insufficientPrivilege = "42501"
	duplicateObject       = "42710"
	uniqueViolation       = "23505"
	objectInUse           = "55006"
	undefinedObject       = "42704"
)

// unavailableError says why there is no logical replication.
type unavailableError struct {
	reason string
	passes bool // it may be gone soon
}

func (e *unavailableError) Error() string { return "logical replication is not available: " + e.reason }

// unavailable tells why a replication connection or slot was refused; nil where
// the refusal does not mean that logical replication is not to be had.
func unavailable(err error) *unavailableError {
	var known *unavailableError
	if errors.As(err, &known) {
		return known
	}
	var server *ServerError
	if !errors.As(clean(err), &server) {
		return nil
	}
	switch server.State {
	case insufficientPrivilege:
		return &unavailableError{reason: "the role may not replicate; it needs the attribute REPLICATION (on RDS the role rds_replication)"}
	case "28000":
		return &unavailableError{reason: "the role may not replicate, or pg_hba.conf lets it connect for SQL only"}
	case "53300":
		return &unavailableError{"no connection is left for replication; raise max_wal_senders or max_connections", true}
	case "53400":
		return &unavailableError{"every replication slot is in use; raise max_replication_slots, or drop those that nobody reads", true}
	case "55000":
		return &unavailableError{reason: "the server's wal_level or role in its cluster forbids it"}
	case "08P01", "0A000", "42601":
		return &unavailableError{reason: "what answers does not speak the replication protocol; the URL must lead to the server, past poolers"}
	default:
		return nil
	}
}
