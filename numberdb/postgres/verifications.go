package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/e164"
	"maskline/numberdb"
)

const (
	verificationColumns = `id, workflow, party, created, expires, next_send, verified, until, state, digits, round, rounds, tries, most, tenant, prefix, code, sealed`
	putVerification     = `INSERT INTO maskline.verifications (` + verificationColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	changeVerification = `UPDATE maskline.verifications SET expires = $1, next_send = $2, verified = $3, state = $4, round = $5, tries = $6, code = $7 WHERE id = $8`
	// One number at a time is counted and kept.
	lockParty       = `SELECT pg_advisory_xact_lock($1, hashint8($2))`
	countParty      = `SELECT count(*) FROM maskline.verifications WHERE party = $1 AND created >= $2 AND tenant = $3`
	workflowColumns = `id, created, updated, ttl, sender, digits, tries, sends, tenant, name, template, pool, channels`
	putWorkflow     = `INSERT INTO maskline.workflows AS w (` + workflowColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, ttl = excluded.ttl, sender = excluded.sender, digits = excluded.digits,
		tries = excluded.tries, sends = excluded.sends, name = excluded.name, template = excluded.template, pool = excluded.pool,
		channels = excluded.channels WHERE w.tenant = excluded.tenant`
	// partyLock is the class of advisory locks on numbers.
	partyLock = 0x6d736b76
)

var (
	_ numberdb.VerificationStore = (*Store)(nil)
	_ numberdb.WorkflowStore     = (*Store)(nil)
)

// AddVerification counts and writes in one transaction.
func (s *Store) AddVerification(ctx context.Context, v *numberdb.Verification, limit numberdb.VerificationLimit, a *numberdb.Attempt) error {
	if err := v.Check(); err != nil {
		return err
	}
	w := numberdb.Writes{}
	if a != nil {
		w.Attempts = []numberdb.Attempt{*a}
	}
	if err := w.Check(); err != nil {
		return err
	}
	return s.inTransaction(ctx, "keeping a verification", func(ctx context.Context, tx pgx.Tx) error {
		r := s.vault.StoreVerification(v)
		if limit.Most > 0 {
			if _, err := tx.Exec(ctx, lockParty, int32(partyLock), r.Party); err != nil {
				return err
			}
			var count int
			if err := tx.QueryRow(ctx, countParty, r.Party, limit.Since.UnixMicro(), r.Tenant).Scan(&count); err != nil {
				return err
			}
			if count >= limit.Most {
				return numberdb.ErrPartyLimit
			}
		}
		if err := s.addAttempts(ctx, tx, &w); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, putVerification, r.ID, r.Workflow, r.Party, r.Created, r.Expires, r.NextSend, r.Verified, r.Until,
			r.State, r.Digits, r.Round, r.Rounds, r.Tries, r.Most, r.Tenant, r.Prefix, r.Code, r.Sealed)
		return err
	})
}

// addAttempts is a *Conflict where a key is used.
func (s *Store) addAttempts(ctx context.Context, tx pgx.Tx, w *numberdb.Writes) error {
	g := &group{now: s.clock()}
	g.addAttempts(s.vault, w.Attempts)
	for i := range g.steps {
		_, err := tx.Exec(ctx, g.steps[i].text, g.steps[i].args...)
		var server *ServerError
		if errors.As(clean(err), &server) && server.State == attemptTaken {
			return &numberdb.Conflict{Attempts: []numberdb.AttemptKey{{Tenant: w.Attempts[0].Tenant, Key: w.Attempts[0].Key}}}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ChangeVerification locks the row.
func (s *Store) ChangeVerification(ctx context.Context, tenant string, id numberdb.ID, decide func(*numberdb.Verification) bool) (v numberdb.Verification, err error) {
	err = s.inTransaction(ctx, "changing a verification", func(ctx context.Context, tx pgx.Tx) error {
		query := numberdb.VerificationQuery{ID: id, Tenant: tenant, Limit: 1}
		found, err := s.verifications(ctx, tx, &query, ` FOR UPDATE`)
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
		_, err = tx.Exec(ctx, changeVerification, r.Expires, r.NextSend, r.Verified, r.State, r.Round, r.Tries, r.Code, r.ID)
		if err == nil && len(v.Told) > 0 {
			_, err = tx.Exec(ctx, outbox, outboxArrays(v.Told)...)
		}
		return err
	})
	return v, err
}

// Verifications reads a page.
func (s *Store) Verifications(ctx context.Context, q numberdb.VerificationQuery) (found []numberdb.Verification, err error) {
	err = s.read(ctx, "reading verifications", s.cfg.Query, func(ctx context.Context) error {
		found, err = s.verifications(ctx, s.pool, &q, "")
		return err
	})
	return found, err
}

func (s *Store) verifications(ctx context.Context, in querier, q *numberdb.VerificationQuery, how string) (found []numberdb.Verification, err error) {
	c := verificationsWhere(q)
	text := c.page(`SELECT `+verificationColumns+` FROM maskline.verifications`, `id`, numberdb.PageLimit(q.Limit))
	rows, err := in.Query(ctx, text+how, c.args...)
	if err != nil {
		return nil, err
	}
	var r numberdb.StoredVerification
	_, err = pgx.ForEachRow(rows, []any{
		&r.ID, &r.Workflow, &r.Party, &r.Created, &r.Expires, &r.NextSend, &r.Verified, &r.Until,
		&r.State, &r.Digits, &r.Round, &r.Rounds, &r.Tries, &r.Most, &r.Tenant, &r.Prefix, &r.Code, &r.Sealed,
	}, func() error {
		v, err := s.vault.OpenVerification(&r)
		if err == nil {
			found = append(found, v)
		}
		return err
	})
	return found, err
}

func verificationsWhere(q *numberdb.VerificationQuery) (c conditions) {
	c.add(`id > ?`, int64(q.After))
	if q.ID != 0 {
		c.add(`id = ?`, int64(q.ID))
	}
	if q.Tenant != numberdb.AnyTenant {
		c.add(`tenant = ?`, q.Tenant)
	}
	if !q.Since.IsZero() {
		c.add(`created >= ?`, q.Since.UnixMicro())
	}
	if !q.To.IsZero() {
		c.add(`created < ?`, q.To.UnixMicro())
	}
	return c
}

// CountVerifications sums up by prefix.
func (s *Store) CountVerifications(ctx context.Context, q numberdb.VerificationQuery) (counts []numberdb.VerificationCount, err error) {
	text := `SELECT tenant, prefix, count(*), count(*) FILTER (WHERE verified <> 0), count(*) FILTER (WHERE state = 2),
		coalesce(sum(verified - created) FILTER (WHERE verified <> 0), 0)::bigint`
	for _, within := range numberdb.VerifiedWithin() {
		text += `, count(*) FILTER (WHERE verified <> 0 AND verified - created <= ` + strconv.FormatInt(within.Microseconds(), 10) + `)`
	}
	where := verificationsWhere(&q)
	err = s.read(ctx, "counting verifications", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, text+` FROM maskline.verifications`+where.clause()+` GROUP BY tenant, prefix ORDER BY tenant, prefix`, where.args...)
		if err != nil {
			return err
		}
		var c numberdb.VerificationCount
		var took int64
		_, err = pgx.ForEachRow(rows, []any{
			&c.Tenant, &c.Prefix, &c.Sent, &c.Verified, &c.Failed, &took, &c.Within[0], &c.Within[1], &c.Within[2], &c.Within[3],
		}, func() error {
			c.Time = duration(took)
			counts = append(counts, c)
			return nil
		})
		return err
	})
	return counts, err
}

// PutWorkflow adds or replaces one.
func (s *Store) PutWorkflow(ctx context.Context, w *numberdb.Workflow) error {
	if err := w.Check(); err != nil {
		return err
	}
	return s.inTransaction(ctx, "keeping a workflow", func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, putWorkflow, int64(w.ID), w.Created.UnixMicro(), w.Updated.UnixMicro(), w.TTL.Microseconds(), int64(w.Sender),
			int16(w.Digits), int16(w.Tries), int16(w.Sends), w.Tenant, w.Name, w.Template, w.Pool, strings.Join(w.Channels, "|"))
		var server *ServerError
		switch {
		case errors.As(clean(err), &server) && server.State == uniqueViolation:
			return numberdb.ErrWorkflowName
		case err == nil && tag.RowsAffected() == 0:
			return numberdb.ErrNoWorkflow
		default:
			return err
		}
	})
}

// Workflows reads them all.
func (s *Store) Workflows(ctx context.Context, tenant string) (found []numberdb.Workflow, err error) {
	err = s.read(ctx, "reading workflows", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, `SELECT `+workflowColumns+` FROM maskline.workflows WHERE tenant = $1 OR $1 = '`+numberdb.AnyTenant+`' ORDER BY id`, tenant)
		if err != nil {
			return err
		}
		var w numberdb.Workflow
		var id, created, updated, ttl, sender int64
		var channels string
		_, err = pgx.ForEachRow(rows, []any{
			&id, &created, &updated, &ttl, &sender, &w.Digits, &w.Tries, &w.Sends, &w.Tenant, &w.Name, &w.Template, &w.Pool, &channels,
		}, func() error {
			w.ID, w.Created, w.Updated = numberdb.ID(id), time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
			w.TTL, w.Sender, w.Channels = duration(ttl), e164.Number(sender), numberdb.Listed(channels)
			found = append(found, w)
			return nil
		})
		return err
	})
	return found, err
}

// DeleteWorkflow deletes a tenant's.
func (s *Store) DeleteWorkflow(ctx context.Context, tenant string, id numberdb.ID) error {
	return s.inTransaction(ctx, "deleting a workflow", func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM maskline.workflows WHERE id = $1 AND (tenant = $2 OR $2 = '`+numberdb.AnyTenant+`')`, int64(id), tenant)
		if err == nil && tag.RowsAffected() == 0 {
			err = numberdb.ErrNoWorkflow
		}
		return err
	})
}
