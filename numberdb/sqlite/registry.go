package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"maskline/numberdb"
)

// overAt is true of a binding that may be deleted or replaced at the first of two
// parameters, as numberdb.Binding.Over says; the second is that less
// numberdb.KeepByHand.
const overAt = `(expires <> 0 AND expires <= %[1]s AND CASE WHEN keep <> 0 THEN keep <= %[1]s WHEN session = 0 THEN expires <= %[2]s ELSE 1 END)`

var over = fmt.Sprintf(overAt, "?1", "?2")

// claimText takes the columns of bindings and the two parameters of overAt. A
// parameter with a number has a name, by which the driver looks for it each time.
var claimText = `INSERT INTO bindings (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (mask, party) DO UPDATE SET
	sealed = excluded.sealed, present = excluded.present, second = excluded.second, services = excluded.services,
	carriers = excluded.carriers, expires = excluded.expires, tenant = excluded.tenant, session = excluded.session,
	counted = excluded.counted, keep = excluded.keep, digest = excluded.digest WHERE ` + fmt.Sprintf(overAt, "?14", "?15")

const (
	replacedText = `DELETE FROM bindings WHERE mask = ? AND party = ? AND session = ? AND expires <> 0 AND expires <= ?`
	sessionInto  = `INSERT INTO sessions (` + sessionColumns + `, party1, party2)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) `
	sessionNewText = sessionInto + `ON CONFLICT (id) DO NOTHING`
	sessionText    = sessionInto + `ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, pool = excluded.pool, shape = excluded.shape,
		services = excluded.services, created = excluded.created, expires = excluded.expires, idle_ttl = excluded.idle_ttl,
		max_uses = excluded.max_uses, keep = excluded.keep, ended = excluded.ended, sealed = excluded.sealed,
		party1 = excluded.party1, party2 = excluded.party2`
	sessionColumns = `id, tenant, pool, shape, services, created, expires, idle_ttl, max_uses, keep, ended, sealed`
	// unchangedText compares the version: octets 2 to 9 of what is sealed.
	unchangedText = `SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ? AND substr(sealed, 2, 8) = ?)`
	furtherText   = `INSERT INTO session_parties (party, session) VALUES (?, ?) ON CONFLICT DO NOTHING`
	attemptText   = `INSERT INTO attempts (key, tenant, request, response, until) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (key) DO UPDATE SET request = excluded.request, response = excluded.response, until = excluded.until
		WHERE until <= ?6`
)

// Commit makes the writes durable. It is one transaction of the one writer; the
// feed tells its bindings in the order: changes, claims.
func (s *Store) Commit(ctx context.Context, writes *numberdb.Writes) (numberdb.Position, error) {
	if err := s.calls.begin(); err != nil {
		return 0, err
	}
	defer s.calls.done()
	if err := writes.Check(); err != nil {
		return 0, err
	}
	g := s.group(writes) // sealed before its turn
	position, err := s.transact(ctx, &g.told, g.write)
	if err != nil {
		return 0, fmt.Errorf("committing: %w", err)
	}
	return position, nil
}

// group is what one Commit writes, in the form of the tables.
type group struct {
	store    *Store
	writes   *numberdb.Writes
	told     []numberdb.Change // for the feed: changes, then claims
	claims   []numberdb.Stored
	sessions []numberdb.StoredSession
	tags     [][]numberdb.PartyTag // of each session
	in       registry              // in the transaction
}

func (s *Store) group(writes *numberdb.Writes) *group {
	g := &group{
		store: s, writes: writes, told: make([]numberdb.Change, 0, len(writes.Bindings)+len(writes.Claims)),
		claims:   make([]numberdb.Stored, len(writes.Claims)),
		sessions: make([]numberdb.StoredSession, len(writes.Sessions)), tags: make([][]numberdb.PartyTag, len(writes.Sessions)),
	}
	g.told = append(g.told, writes.Bindings...)
	sealer, tags := s.vault.Sealer(), make([]numberdb.PartyTag, 0, 2*len(writes.Sessions))
	for i := range writes.Claims {
		g.told = append(g.told, numberdb.Change{Binding: writes.Claims[i]})
		g.claims[i] = sealer.Store(&writes.Claims[i])
	}
	canonical(g.told)
	for i := range writes.Sessions {
		g.sessions[i] = sealer.StoreSession(&writes.Sessions[i])
		start := len(tags)
		tags = sealer.Tags(tags, &writes.Sessions[i])
		g.tags[i] = tags[start:len(tags):len(tags)]
	}
	return g
}

// write leaves nothing where a key is taken, and names all that are.
func (g *group) write(ctx context.Context, tx *sql.Tx) error {
	if err := g.store.writeChanges(ctx, tx, g.told[:len(g.writes.Bindings)]); err != nil {
		return fmt.Errorf("writing bindings: %w", err)
	}
	ctx = quietly(ctx)
	g.in = g.store.registry.in(ctx, tx)
	now := g.store.now()
	var conflict numberdb.Conflict
	if err := g.writeClaims(ctx, tx, now, &conflict); err != nil {
		return err
	}
	if err := g.writeAttempts(ctx, now, &conflict); err != nil {
		return err
	}
	if err := g.checkSessions(ctx, &conflict); err != nil {
		return err
	}
	if !conflict.Empty() {
		return &conflict
	}
	if err := g.writeMessages(ctx, tx); err != nil {
		return err
	}
	if err := g.writeCalls(ctx, tx); err != nil {
		return err
	}
	if err := g.writeSessions(ctx, tx, &conflict); err != nil {
		return err
	}
	if !conflict.Empty() {
		return &conflict
	}
	if err := g.writeInventory(ctx, tx); err != nil {
		return err
	}
	if err := g.writeOutbox(ctx, tx, now); err != nil {
		return err
	}
	return g.writeAudit(ctx, tx)
}

func (g *group) writeClaims(ctx context.Context, tx *sql.Tx, now time.Time, conflict *numberdb.Conflict) error {
	for i := range g.writes.Replaced {
		r := &g.writes.Replaced[i]
		party := g.store.vault.Hide(r.Key.Party)
		if _, err := tx.ExecContext(ctx, replacedText, int64(r.Key.Mask), party[:], int64(r.Session), now.UnixMicro()); err != nil {
			return fmt.Errorf("replacing bindings: %w", err)
		}
	}
	var at, byHand any = now.UnixMicro(), now.Add(-numberdb.KeepByHand).UnixMicro()
	args := make([]any, 0, columnCount+2)
	for i := range g.claims {
		args = append(values(args[:0], &g.claims[i]), at, byHand)
		if taken, err := refused(g.in.claim.ExecContext(ctx, args...)); err != nil {
			return fmt.Errorf("claiming bindings: %w", err)
		} else if taken {
			conflict.Keys = append(conflict.Keys, g.writes.Claims[i].Key())
		}
	}
	return nil
}

func (g *group) writeAttempts(ctx context.Context, now time.Time, conflict *numberdb.Conflict) error {
	for i := range g.writes.Attempts {
		a := &g.writes.Attempts[i]
		key, request := g.store.vault.HideKey(a.Tenant, a.Key), g.store.vault.HideRequest(a.Tenant, a.Fingerprint)
		if taken, err := refused(g.in.attempt.ExecContext(ctx, key[:], a.Tenant, request[:], int64(a.Response), a.Until.UnixMicro(), now.UnixMicro())); err != nil {
			return fmt.Errorf("writing attempts: %w", err)
		} else if taken {
			conflict.Attempts = append(conflict.Attempts, numberdb.AttemptKey{Tenant: a.Tenant, Key: a.Key})
		}
	}
	return nil
}

// refused reports that the row was there and stayed.
func refused(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows == 0, err
}

// checkSessions finds those that were written since they were read.
func (g *group) checkSessions(ctx context.Context, conflict *numberdb.Conflict) error {
	for i := range g.writes.Sessions {
		s, unchanged := &g.writes.Sessions[i], true
		if s.Version != (numberdb.SessionVersion{}) {
			if err := g.in.unchanged.QueryRowContext(ctx, int64(s.ID), s.Version[:]).Scan(&unchanged); err != nil {
				return fmt.Errorf("comparing sessions: %w", err)
			}
		}
		if !unchanged {
			conflict.Sessions = append(conflict.Sessions, s.ID)
		}
	}
	return nil
}

func (g *group) writeSessions(ctx context.Context, tx *sql.Tx, conflict *numberdb.Conflict) error {
	isNew := make(map[numberdb.ID]bool, len(g.writes.New))
	for _, id := range g.writes.New {
		isNew[id] = true
	}
	for i := range g.sessions {
		s, tags := &g.sessions[i], g.tags[i]
		var pair [2]any // nil is NULL
		for k := range min(len(tags), len(pair)) {
			pair[k] = int64(tags[k])
		}
		statement, id := g.in.session, numberdb.ID(s.ID)
		if isNew[id] {
			statement = g.in.sessionNew
		}
		if taken, err := refused(statement.ExecContext(ctx, s.ID, s.Tenant, s.Pool, int64(s.Shape), int64(s.Services), s.Created, s.Expires, s.IdleTTL,
			s.MaxUses, s.Keep, int64(s.Ended), s.Sealed, pair[0], pair[1])); err != nil {
			return fmt.Errorf("writing sessions: %w", err)
		} else if taken {
			conflict.Sessions = append(conflict.Sessions, id)
		}
		for _, tag := range tags[min(len(tags), len(pair)):] {
			if _, err := g.in.further.ExecContext(ctx, int64(tag), s.ID); err != nil {
				return fmt.Errorf("writing the parties of sessions: %w", err)
			}
		}
	}
	for _, id := range g.writes.Gone.Sessions {
		if err := deleteSession(ctx, tx, int64(id)); err != nil {
			return err
		}
	}
	return nil
}

func deleteSession(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, text := range [...]string{`DELETE FROM session_parties WHERE session = ?`, `DELETE FROM sessions WHERE id = ?`} {
		if _, err := tx.ExecContext(ctx, text, id); err != nil {
			return fmt.Errorf("deleting sessions: %w", err)
		}
	}
	return nil
}

// registry holds the statements of Commit that are many.
type registry struct {
	claim, session, sessionNew, unchanged, further, attempt, wait *sql.Stmt
	outbox, delivery                                              *sql.Stmt
}

func (r *registry) prepare(ctx context.Context, db *sql.DB) (err error) {
	if r.claim, err = db.PrepareContext(ctx, claimText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.session, err = db.PrepareContext(ctx, sessionText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.sessionNew, err = db.PrepareContext(ctx, sessionNewText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.unchanged, err = db.PrepareContext(ctx, unchangedText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.further, err = db.PrepareContext(ctx, furtherText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.attempt, err = db.PrepareContext(ctx, attemptText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.wait, err = db.PrepareContext(ctx, waitText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.outbox, err = db.PrepareContext(ctx, outboxText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if r.delivery, err = db.PrepareContext(ctx, deliveryText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	return nil
}

// in is the statements in a transaction, which closes them.
func (r *registry) in(ctx context.Context, tx *sql.Tx) registry {
	return registry{
		claim: tx.StmtContext(ctx, r.claim), session: tx.StmtContext(ctx, r.session), sessionNew: tx.StmtContext(ctx, r.sessionNew), unchanged: tx.StmtContext(ctx, r.unchanged),
		further: tx.StmtContext(ctx, r.further), attempt: tx.StmtContext(ctx, r.attempt), wait: tx.StmtContext(ctx, r.wait),
	}
}

func (r *registry) statements() []*sql.Stmt {
	return []*sql.Stmt{r.claim, r.session, r.sessionNew, r.unchanged, r.further, r.attempt, r.wait, r.outbox, r.delivery}
}
