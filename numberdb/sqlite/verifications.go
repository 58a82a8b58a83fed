package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

const (
	verificationColumns = `id, workflow, party, created, expires, next_send, verified, until, state, digits, round, rounds, tries, most, tenant, prefix, code, sealed`
	verificationText    = `INSERT INTO verifications (` + verificationColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	changeText          = `UPDATE verifications SET expires = ?, next_send = ?, verified = ?, state = ?, round = ?, tries = ?, code = ? WHERE id = ?`
	workflowColumns     = `id, created, updated, ttl, sender, digits, tries, sends, tenant, name, template, pool, channels`
	workflowText        = `INSERT INTO workflows (` + workflowColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, ttl = excluded.ttl, sender = excluded.sender, digits = excluded.digits,
		tries = excluded.tries, sends = excluded.sends, name = excluded.name, template = excluded.template, pool = excluded.pool,
		channels = excluded.channels WHERE tenant = excluded.tenant`
)

var (
	_ numberdb.VerificationStore = (*Store)(nil)
	_ numberdb.WorkflowStore     = (*Store)(nil)
)

// AddVerification counts and writes in one transaction.
func (s *Store) AddVerification(ctx context.Context, v *numberdb.Verification, limit numberdb.VerificationLimit, attempt *numberdb.Attempt) error {
	if err := v.Check(); err != nil {
		return err
	}
	w := numberdb.Writes{}
	if attempt != nil {
		w.Attempts = []numberdb.Attempt{*attempt}
	}
	if err := w.Check(); err != nil {
		return err
	}
	r := s.vault.StoreVerification(v)
	return s.change(ctx, "keeping a verification", func(ctx context.Context, tx *sql.Tx) error {
		if limit.Most > 0 {
			var count int
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM verifications WHERE party = ? AND created >= ? AND tenant = ?`,
				r.Party, limit.Since.UnixMicro(), r.Tenant).Scan(&count); err != nil {
				return err
			}
			if count >= limit.Most {
				return numberdb.ErrPartyLimit
			}
		}
		g := &group{store: s, writes: &w, in: s.registry.in(ctx, tx)}
		var conflict numberdb.Conflict
		if err := g.writeAttempts(ctx, s.now(), &conflict); err != nil {
			return err
		}
		if !conflict.Empty() {
			return &conflict
		}
		_, err := tx.ExecContext(ctx, verificationText, r.ID, r.Workflow, r.Party, r.Created, r.Expires, r.NextSend, r.Verified, r.Until,
			r.State, r.Digits, r.Round, r.Rounds, r.Tries, r.Most, r.Tenant, r.Prefix, r.Code, r.Sealed)
		return err
	})
}

// ChangeVerification is one transaction of the one writer.
func (s *Store) ChangeVerification(ctx context.Context, tenant string, id numberdb.ID, decide func(*numberdb.Verification) bool) (v numberdb.Verification, err error) {
	err = s.change(ctx, "changing a verification", func(ctx context.Context, tx *sql.Tx) error {
		query := numberdb.VerificationQuery{ID: id, Tenant: tenant, Limit: 1}
		found, err := s.verifications(ctx, tx, &query)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return numberdb.ErrNoVerification
		}
		v = found[0]
		r, err := s.vault.DecideVerification(&v, decide)
		if err != nil || r == nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, changeText, r.Expires, r.NextSend, r.Verified, r.State, r.Round, r.Tries, r.Code, r.ID); err != nil {
			return err
		}
		for i := range v.Told {
			if err := writeOutboxEvent(ctx, tx.StmtContext(ctx, s.registry.outbox), &v.Told[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

// Verifications reads a page.
func (s *Store) Verifications(ctx context.Context, q numberdb.VerificationQuery) (found []numberdb.Verification, err error) {
	err = s.read(ctx, "reading verifications", func(tx *sql.Tx) error {
		found, err = s.verifications(ctx, tx, &q)
		return err
	})
	return found, err
}

func (s *Store) verifications(ctx context.Context, tx *sql.Tx, q *numberdb.VerificationQuery) (found []numberdb.Verification, err error) {
	where, args := verificationsWhere(q)
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var r numberdb.StoredVerification
		if err := rows.Scan(&r.ID, &r.Workflow, &r.Party, &r.Created, &r.Expires, &r.NextSend, &r.Verified, &r.Until,
			&r.State, &r.Digits, &r.Round, &r.Rounds, &r.Tries, &r.Most, &r.Tenant, &r.Prefix, &r.Code, &r.Sealed); err != nil {
			return err
		}
		v, err := s.vault.OpenVerification(&r)
		if err == nil {
			found = append(found, v)
		}
		return err
	}, `SELECT `+verificationColumns+` FROM verifications WHERE `+where+` ORDER BY id LIMIT ?`, append(args, numberdb.PageLimit(q.Limit))...)
	return found, err
}

func verificationsWhere(q *numberdb.VerificationQuery) (string, []any) {
	where, args := []string{`id > ?`}, []any{int64(q.After)}
	add := func(condition string, value any) {
		where, args = append(where, condition), append(args, value)
	}
	if q.ID != 0 {
		add(`id = ?`, int64(q.ID))
	}
	if q.Tenant != numberdb.AnyTenant {
		add(`tenant = ?`, q.Tenant)
	}
	if !q.Since.IsZero() {
		add(`created >= ?`, q.Since.UnixMicro())
	}
	if !q.To.IsZero() {
		add(`created < ?`, q.To.UnixMicro())
	}
	return strings.Join(where, ` AND `), args
}

// CountVerifications sums up by prefix.
func (s *Store) CountVerifications(ctx context.Context, q numberdb.VerificationQuery) (counts []numberdb.VerificationCount, err error) {
	where, args := verificationsWhere(&q)
	var times []any
	text := `SELECT tenant, prefix, count(*), sum(verified <> 0), sum(state = 2), sum(CASE WHEN verified <> 0 THEN verified - created ELSE 0 END)`
	for _, within := range numberdb.VerifiedWithin() {
		text += `, sum(verified <> 0 AND verified - created <= ?)`
		times = append(times, within.Microseconds())
	}
	err = s.read(ctx, "counting verifications", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var c numberdb.VerificationCount
			var took int64
			if err := rows.Scan(&c.Tenant, &c.Prefix, &c.Sent, &c.Verified, &c.Failed, &took, &c.Within[0], &c.Within[1], &c.Within[2], &c.Within[3]); err != nil {
				return err
			}
			c.Time = duration(took)
			counts = append(counts, c)
			return nil
		}, text+` FROM verifications WHERE `+where+` GROUP BY tenant, prefix ORDER BY tenant, prefix`, append(times, args...)...)
	})
	return counts, err
}

// PutWorkflow adds or replaces one.
func (s *Store) PutWorkflow(ctx context.Context, w *numberdb.Workflow) error {
	if err := w.Check(); err != nil {
		return err
	}
	return s.change(ctx, "keeping a workflow", func(ctx context.Context, tx *sql.Tx) error {
		var other int64
		none, err := missing(tx.QueryRowContext(ctx, `SELECT id FROM workflows WHERE tenant = ? AND name = ?`, w.Tenant, w.Name).Scan(&other))
		switch {
		case err != nil:
			return err
		case !none && numberdb.ID(other) != w.ID:
			return numberdb.ErrWorkflowName
		}
		taken, err := refused(tx.ExecContext(ctx, workflowText, int64(w.ID), w.Created.UnixMicro(), w.Updated.UnixMicro(), w.TTL.Microseconds(), int64(w.Sender),
			w.Digits, w.Tries, w.Sends, w.Tenant, w.Name, w.Template, w.Pool, strings.Join(w.Channels, "|")))
		if err == nil && taken {
			err = numberdb.ErrNoWorkflow
		}
		return err
	})
}

// Workflows reads them all.
func (s *Store) Workflows(ctx context.Context, tenant string) (found []numberdb.Workflow, err error) {
	err = s.read(ctx, "reading workflows", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var w numberdb.Workflow
			var id, created, updated, ttl, sender int64
			var channels string
			if err := rows.Scan(&id, &created, &updated, &ttl, &sender, &w.Digits, &w.Tries, &w.Sends, &w.Tenant, &w.Name, &w.Template, &w.Pool, &channels); err != nil {
				return err
			}
			w.ID, w.Created, w.Updated = numberdb.ID(id), time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
			w.TTL, w.Sender, w.Channels = duration(ttl), e164.Number(sender), numberdb.Listed(channels)
			found = append(found, w)
			return nil
		}, `SELECT `+workflowColumns+` FROM workflows WHERE tenant = ?1 OR ?1 = '`+numberdb.AnyTenant+`' ORDER BY id`, tenant)
	})
	return found, err
}

// DeleteWorkflow deletes a tenant's.
func (s *Store) DeleteWorkflow(ctx context.Context, tenant string, id numberdb.ID) error {
	return s.change(ctx, "deleting a workflow", func(ctx context.Context, tx *sql.Tx) error {
		none, err := refused(tx.ExecContext(ctx, `DELETE FROM workflows WHERE id = ? AND (tenant = ? OR ? = '`+numberdb.AnyTenant+`')`, int64(id), tenant, tenant))
		if err == nil && none {
			err = numberdb.ErrNoWorkflow
		}
		return err
	})
}
