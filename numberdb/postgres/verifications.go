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
	anyTenant = "*"
)

var (
	_ numberdb.VerificationStore = (*Store)(nil)
	_ numberdb.WorkflowStore     = (*Store)(nil)
)

// inTransaction runs a transaction that changes nothing of bindings. What run reports is
// not the server's fault, and comes as it is.
func (s *Store) inTransaction(ctx context.Context, doing string, run func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	bounded, cancel := s.deadline(ctx)
	defer cancel()
	if err := pgx.BeginFunc(bounded, s.pool, func(tx pgx.Tx) error { return run(bounded, tx) }); err != nil {
		return explain(ctx, doing, err)
	}
	return nil
}

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
		query := numberdb.VerificationQuery{ID: id, Tenant: tenant, AnyTenant: tenant == anyTenant, Limit: 1}
		found, err := s.verifications(ctx, tx, &query, ` FOR UPDATE`)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return numberdb.ErrNoVerification
		}
		if v = found[0]; !decide(&v) {
			return nil
		}
		if err := v.Check(); err != nil {
			return err
		}
		r := s.vault.StoreVerification(&v)
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

// asks is a pool or a transaction.
type asks interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (s *Store) verifications(ctx context.Context, in asks, q *numberdb.VerificationQuery, how string) (found []numberdb.Verification, err error) {
	where, args := verificationsWhere(q, nil)
	args = append(args, numberdb.PageLimit(q.Limit))
	rows, err := in.Query(ctx, `SELECT `+verificationColumns+` FROM maskline.verifications WHERE `+where+` ORDER BY id LIMIT $`+strconv.Itoa(len(args))+how, args...)
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

func verificationsWhere(q *numberdb.VerificationQuery, args []any) (string, []any) {
	var where []string
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	add(`id >`, int64(q.After))
	if q.ID != 0 {
		add(`id =`, int64(q.ID))
	}
	if !q.AnyTenant {
		add(`tenant =`, q.Tenant)
	}
	if !q.Since.IsZero() {
		add(`created >=`, q.Since.UnixMicro())
	}
	if !q.To.IsZero() {
		add(`created <`, q.To.UnixMicro())
	}
	return strings.Join(where, ` AND `), args
}

// CountVerifications sums up by prefix.
func (s *Store) CountVerifications(ctx context.Context, q numberdb.VerificationQuery) (counts []numberdb.VerificationCount, err error) {
	text := `SELECT tenant, prefix, count(*), count(*) FILTER (WHERE verified <> 0), count(*) FILTER (WHERE state = 2),
		coalesce(sum(verified - created) FILTER (WHERE verified <> 0), 0)::bigint`
	for _, within := range numberdb.VerifiedWithin() {
		text += `, count(*) FILTER (WHERE verified <> 0 AND verified - created <= ` + strconv.FormatInt(within.Microseconds(), 10) + `)`
	}
	where, args := verificationsWhere(&q, nil)
	err = s.read(ctx, "counting verifications", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, text+` FROM maskline.verifications WHERE `+where+` GROUP BY tenant, prefix ORDER BY tenant, prefix`, args...)
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
		rows, err := s.pool.Query(ctx, `SELECT `+workflowColumns+` FROM maskline.workflows WHERE tenant = $1 OR $1 = '`+anyTenant+`' ORDER BY id`, tenant)
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
			w.TTL, w.Sender, w.Channels = duration(ttl), e164.Number(sender), strings.Split(channels, "|")
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
		tag, err := tx.Exec(ctx, `DELETE FROM maskline.workflows WHERE id = $1 AND (tenant = $2 OR $2 = '`+anyTenant+`')`, int64(id), tenant)
		if err == nil && tag.RowsAffected() == 0 {
			err = numberdb.ErrNoWorkflow
		}
		return err
	})
}
