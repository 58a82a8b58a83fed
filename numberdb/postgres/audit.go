package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

var (
	_ numberdb.AuditStore   = (*Store)(nil)
	_ numberdb.ConsentStore = (*Store)(nil)
)

const (
	auditColumns = `id, at, node, actor, tenant, what, subject, detail`
	wait         = `INSERT INTO maskline.audit_waiting (` + auditColumns + `, sum)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[])
		ON CONFLICT DO NOTHING`
	// A line that was committed again since it was chained waits until the next time.
	waiting = `SELECT ` + auditColumns + `, sum FROM maskline.audit_waiting w
		WHERE NOT EXISTS (SELECT FROM maskline.audit a WHERE a.id = w.id) ORDER BY id LIMIT $1`
	chainLines = `INSERT INTO maskline.audit (` + auditColumns + `, place, hash)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bytea[])`
	// The end is locked by who chains; an edge that does not get it leaves it alone.
	auditEnd       = `SELECT place, hash, sum FROM maskline.audit_end`
	consentColumns = `id, tenant, party, given, withdrawn, sealed`
	consents       = `INSERT INTO maskline.consents AS c (` + consentColumns + `)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[])
		ON CONFLICT (id) DO UPDATE SET given = excluded.given, withdrawn = excluded.withdrawn, sealed = excluded.sealed
		WHERE c.tenant = excluded.tenant AND c.party = excluded.party`
)

// addAudit adds consents and the lines of the audit.
func (g *group) addAudit(vault *numberdb.Vault, w *numberdb.Writes) {
	for part := range slices.Chunk(lastByKey(w.Consents, func(c *numberdb.Consent) numberdb.ID { return c.ID }), chunk) {
		g.add(consents, consentArrays(vault, part)...)
	}
	for part := range slices.Chunk(w.Audit, chunk) {
		g.add(wait, append(lineArrays(part), sumsOf(vault, part))...)
	}
}

func sumsOf(vault *numberdb.Vault, lines []numberdb.AuditLine) [][]byte {
	sums := make([][]byte, len(lines))
	for i := range lines {
		sum := vault.SumLine(&lines[i])
		sums[i] = sum[:]
	}
	return sums
}

func lineArrays(lines []numberdb.AuditLine) []any {
	n := len(lines)
	ids, at := make([]int64, n), make([]int64, n)
	var texts [6][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	for i := range lines {
		l := &lines[i]
		ids[i], at[i] = int64(l.ID), l.At.UnixMicro()
		for c, text := range [...]string{l.Node, l.Actor, l.Tenant, l.What, l.Subject, l.Detail} {
			texts[c][i] = text
		}
	}
	return []any{ids, at, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5]}
}

func consentArrays(vault *numberdb.Vault, rows []*numberdb.Consent) []any {
	n := len(rows)
	ids, given, withdrawn := make([]int64, n), make([]int64, n), make([]int64, n)
	owners, parties, sealed := make([]string, n), make([][]byte, n), make([][]byte, n)
	for i, c := range rows {
		s := vault.StoreConsent(c)
		ids[i], owners[i], parties[i], given[i], withdrawn[i], sealed[i] = s.ID, s.Tenant, s.Party[:], s.Given, s.Withdrawn, s.Sealed
	}
	return []any{ids, owners, parties, given, withdrawn, sealed}
}

// ChainAudit chains in one transaction, which has the end of the chain for itself.
func (s *Store) ChainAudit(ctx context.Context, most int) (chained, forged int, head numberdb.AuditHead, err error) {
	err = s.read(ctx, "chaining the audit", s.cfg.Query, func(ctx context.Context) error {
		var some bool
		if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM maskline.audit_waiting)`).Scan(&some); err != nil || !some {
			return err
		}
		return s.transaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
			chained, forged, head, err = s.chain(ctx, tx, most)
			return err
		})
	})
	return chained, forged, head, err
}

func (s *Store) chain(ctx context.Context, tx pgx.Tx, most int) (chained, forged int, head numberdb.AuditHead, err error) {
	head, err = s.readEnd(tx.QueryRow(ctx, auditEnd+` FOR UPDATE SKIP LOCKED`))
	if errors.Is(err, errNoEnd) {
		var locked bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM maskline.audit_end)`).Scan(&locked); err != nil || locked {
			return 0, 0, head, err // another edge chains
		}
	}
	if err != nil {
		return 0, 0, head, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM maskline.audit_waiting w USING maskline.audit a WHERE a.id = w.id`); err != nil {
		return 0, 0, head, err // of those that were told twice
	}
	rows, err := tx.Query(ctx, waiting, most)
	if err != nil {
		return 0, 0, head, err
	}
	var lines []numberdb.AuditLine
	var sum []byte
	if err := eachLine(rows, []any{&sum}, func(l numberdb.AuditLine) {
		if s.vault.IsLine(sum, &l) {
			lines = append(lines, l)
		} else {
			forged++
		}
	}); err != nil || len(lines) == 0 {
		return 0, forged, head, err
	}
	all, head := s.vault.Chain(head, lines)
	places, hashes := make([]int64, len(all)), make([][]byte, len(all))
	for i := range all {
		places[i], hashes[i] = int64(all[i].Place), all[i].Hash[:]
	}
	args := lineArrays(lines)
	if _, err := tx.Exec(ctx, chainLines, append(args, places, hashes)...); err != nil {
		return 0, forged, head, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM maskline.audit_waiting WHERE id = ANY ($1::bigint[])`, args[0]); err != nil {
		return 0, forged, head, err
	}
	end := s.vault.SumEnd(head)
	_, err = tx.Exec(ctx, `UPDATE maskline.audit_end SET place = $1, hash = $2, sum = $3`, int64(head.Place), head.Hash[:], end[:])
	return len(all), forged, head, err
}

var errNoEnd = fmt.Errorf("%w: its end is missing", numberdb.ErrAudit)

func (s *Store) readEnd(row pgx.Row) (head numberdb.AuditHead, err error) {
	var place int64
	var hash, sum []byte
	if err := row.Scan(&place, &hash, &sum); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return head, errNoEnd
		}
		return head, err
	}
	head.Place = uint64(place)
	copy(head.Hash[:], hash)
	return head, s.vault.CheckEnd(head, sum)
}

func eachLine(rows pgx.Rows, more []any, tell func(numberdb.AuditLine)) error {
	var id, at int64
	var l numberdb.AuditLine
	_, err := pgx.ForEachRow(rows, append([]any{&id, &at, &l.Node, &l.Actor, &l.Tenant, &l.What, &l.Subject, &l.Detail}, more...), func() error {
		l.ID, l.At = numberdb.ID(id), time.UnixMicro(at).UTC()
		tell(l)
		return nil
	})
	return err
}

// AuditEnd reads the one row.
func (s *Store) AuditEnd(ctx context.Context) (head numberdb.AuditHead, err error) {
	err = s.read(ctx, "reading the end of the audit", s.cfg.Query, func(ctx context.Context) error {
		head, err = s.readEnd(s.pool.QueryRow(ctx, auditEnd))
		return err
	})
	return head, err
}

// Audit reads lines in the order of their places.
func (s *Store) Audit(ctx context.Context, q numberdb.AuditQuery) (lines []numberdb.ChainedLine, err error) {
	var c conditions
	c.add(`place > ?`, int64(q.After))
	if q.Tenant != numberdb.AnyTenant {
		c.add(`tenant = ?`, q.Tenant)
	}
	if q.Subject != "" {
		c.add(`subject = ?`, q.Subject)
	}
	text := c.page(`SELECT `+auditColumns+`, place, hash FROM maskline.audit`, `place`, numberdb.PageLimit(q.Limit))
	err = s.read(ctx, "reading the audit", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, text, c.args...)
		if err != nil {
			return err
		}
		var place int64
		var hash []byte
		return eachLine(rows, []any{&place, &hash}, func(l numberdb.AuditLine) {
			line := numberdb.ChainedLine{AuditLine: l, Place: uint64(place)}
			copy(line.Hash[:], hash)
			lines = append(lines, line)
		})
	})
	return lines, err
}

// CheckAudit compares lines with their hashes.
func (s *Store) CheckAudit(before numberdb.AuditHash, lines []numberdb.ChainedLine) error {
	return s.vault.CheckChain(before, lines)
}

// Consents reads consents in the order of their IDs.
func (s *Store) Consents(ctx context.Context, q numberdb.ConsentQuery) (found []numberdb.Consent, err error) {
	refused := 0
	err = s.read(ctx, "reading consents", s.cfg.Query, func(ctx context.Context) error {
		var c conditions
		c.add(`id > ?`, int64(q.After))
		if q.ID != 0 {
			c.add(`id = ?`, int64(q.ID))
		}
		if q.Tenant != numberdb.AnyTenant {
			c.add(`tenant = ?`, q.Tenant)
		}
		if q.Party != 0 {
			hidden := s.vault.Hide(q.Party)
			c.add(`party = ?`, hidden[:])
		}
		if q.Standing {
			c.add(`withdrawn = ?`, int64(0))
		}
		rows, err := s.pool.Query(ctx, c.page(`SELECT `+consentColumns+` FROM maskline.consents`, `id`, numberdb.PageLimit(q.Limit)), c.args...)
		if err != nil {
			return err
		}
		var stored numberdb.StoredConsent
		var party []byte
		_, err = pgx.ForEachRow(rows, []any{&stored.ID, &stored.Tenant, &party, &stored.Given, &stored.Withdrawn, &stored.Sealed}, func() error {
			copy(stored.Party[:], party)
			c, err := s.vault.OpenConsent(&stored)
			if err != nil {
				refused++
				return nil //nolint:nilerr // it is counted, and told beside the others
			}
			found = append(found, c)
			return nil
		})
		return err
	})
	if err == nil && refused > 0 {
		err = fmt.Errorf("%d consents: %w", refused, numberdb.ErrSealed)
	}
	return found, err
}
