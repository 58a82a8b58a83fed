package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"maskline/numberdb"
)

var (
	_ numberdb.AuditStore   = (*Store)(nil)
	_ numberdb.ConsentStore = (*Store)(nil)
)

const (
	auditColumns = `id, at, node, actor, tenant, what, subject, detail`
	waitText     = `INSERT INTO audit_waiting (` + auditColumns + `, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	consentText  = `INSERT INTO consents (` + consentColumns + `) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
		given = excluded.given, withdrawn = excluded.withdrawn, sealed = excluded.sealed WHERE tenant = excluded.tenant AND party = excluded.party`
	consentColumns = `id, tenant, party, given, withdrawn, sealed`
)

// writeAudit writes consents and the lines of the audit.
func (g *group) writeAudit(ctx context.Context, tx *sql.Tx) error {
	for i := range g.writes.Consents {
		c := g.store.vault.StoreConsent(&g.writes.Consents[i])
		if _, err := tx.ExecContext(ctx, consentText, c.ID, c.Tenant, c.Party[:], c.Given, c.Withdrawn, c.Sealed); err != nil {
			return fmt.Errorf("writing consents: %w", err)
		}
	}
	return g.store.auditIn(ctx, tx, g.writes.Audit)
}

func (s *Store) auditIn(ctx context.Context, tx *sql.Tx, lines []numberdb.AuditLine) error {
	if len(lines) == 0 {
		return nil
	}
	in := s.registry.in(ctx, tx)
	for i := range lines {
		l := &lines[i]
		sum := s.vault.SumLine(l)
		if _, err := in.wait.ExecContext(ctx, int64(l.ID), l.At.UnixMicro(), l.Node, l.Actor, l.Tenant, l.What, l.Subject, l.Detail, sum[:]); err != nil {
			return fmt.Errorf("writing the audit: %w", err)
		}
	}
	return nil
}

// ChainAudit chains in a transaction of the one writer.
func (s *Store) ChainAudit(ctx context.Context, most int) (chained, forged int, head numberdb.AuditHead, err error) {
	if err := s.calls.begin(); err != nil {
		return 0, 0, head, err
	}
	defer s.calls.done()
	var some bool
	if err := s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM audit_waiting)`).Scan(&some)
	}); err != nil || !some {
		return 0, 0, head, wrapped("chaining the audit", err)
	}
	err = s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		chained, forged, head, err = s.chain(quietly(ctx), tx, most)
		return err
	})
	return chained, forged, head, wrapped("chaining the audit", err)
}

func wrapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (s *Store) chain(ctx context.Context, tx *sql.Tx, most int) (chained, forged int, head numberdb.AuditHead, err error) {
	if head, err = s.auditEnd(ctx, tx); err != nil {
		return 0, 0, head, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM audit_waiting WHERE id IN (SELECT id FROM audit WHERE id IN (SELECT id FROM audit_waiting))`); err != nil {
		return 0, 0, head, err // of those that were told twice
	}
	var lines []numberdb.AuditLine
	if err := each(ctx, tx, func(rows *sql.Rows) error {
		var sum []byte
		l, err := scanLine(rows, &sum)
		switch {
		case err != nil:
		case !s.vault.IsLine(sum, &l):
			forged++
		default:
			lines = append(lines, l)
		}
		return err
	}, `SELECT `+auditColumns+`, sum FROM audit_waiting ORDER BY id LIMIT ?`, most); err != nil {
		return 0, forged, head, err
	}
	if len(lines) == 0 {
		return 0, forged, head, nil
	}
	all, head := s.vault.Chain(head, lines)
	if err := addChained(ctx, tx, all); err != nil {
		return 0, forged, head, err
	}
	sum := s.vault.SumEnd(head)
	_, err = tx.ExecContext(ctx, `UPDATE audit_end SET place = ?, hash = ?, sum = ?`, int64(head.Place), head.Hash[:], sum[:])
	return len(all), forged, head, err
}

// addChained moves lines into the chain. Everybody who writes waits so long, so its
// statements are prepared.
func addChained(ctx context.Context, tx *sql.Tx, lines []numberdb.ChainedLine) error {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO audit (place, `+auditColumns+`, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }() // the transaction ends it too
	remove, err := tx.PrepareContext(ctx, `DELETE FROM audit_waiting WHERE id = ?`)
	if err != nil {
		return err
	}
	defer func() { _ = remove.Close() }()
	for i := range lines {
		l := &lines[i]
		if _, err := insert.ExecContext(ctx, int64(l.Place), int64(l.ID), l.At.UnixMicro(), l.Node, l.Actor, l.Tenant, l.What, l.Subject, l.Detail, l.Hash[:]); err != nil {
			return err
		}
		if _, err := remove.ExecContext(ctx, int64(l.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) auditEnd(ctx context.Context, tx *sql.Tx) (head numberdb.AuditHead, err error) {
	var place int64
	var hash, sum []byte
	if err := tx.QueryRowContext(ctx, `SELECT place, hash, sum FROM audit_end`).Scan(&place, &hash, &sum); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return head, fmt.Errorf("%w: its end is missing", numberdb.ErrAudit)
		}
		return head, err
	}
	head.Place = uint64(place)
	copy(head.Hash[:], hash)
	return head, s.vault.CheckEnd(head, sum)
}

func scanLine(rows *sql.Rows, more ...any) (l numberdb.AuditLine, err error) {
	var id, at int64
	err = rows.Scan(append([]any{&id, &at, &l.Node, &l.Actor, &l.Tenant, &l.What, &l.Subject, &l.Detail}, more...)...)
	l.ID, l.At = numberdb.ID(id), time.UnixMicro(at).UTC()
	return l, err
}

// AuditEnd reads the one row.
func (s *Store) AuditEnd(ctx context.Context) (head numberdb.AuditHead, err error) {
	err = s.read(ctx, "reading the end of the audit", func(tx *sql.Tx) error {
		head, err = s.auditEnd(ctx, tx)
		return err
	})
	return head, err
}

// Audit reads lines in the order of their places.
func (s *Store) Audit(ctx context.Context, q numberdb.AuditQuery) (lines []numberdb.ChainedLine, err error) {
	err = s.read(ctx, "reading the audit", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var place int64
			var hash []byte
			l, err := scanLine(rows, &place, &hash)
			line := numberdb.ChainedLine{AuditLine: l, Place: uint64(place)}
			copy(line.Hash[:], hash)
			lines = append(lines, line)
			return err
		}, `SELECT `+auditColumns+`, place, hash FROM audit WHERE place > ?1 AND (?2 = '`+numberdb.AnyTenant+`' OR tenant = ?2) AND (?3 = '' OR subject = ?3)
			ORDER BY place LIMIT ?4`, int64(q.After), q.Tenant, q.Subject, numberdb.PageLimit(q.Limit))
	})
	return lines, err
}

// CheckAudit compares lines with their hashes.
func (s *Store) CheckAudit(before numberdb.AuditHash, lines []numberdb.ChainedLine) error {
	return s.vault.CheckChain(before, lines)
}

// Consents reads consents in the order of their IDs.
func (s *Store) Consents(ctx context.Context, q numberdb.ConsentQuery) (consents []numberdb.Consent, err error) {
	refused, party := 0, []byte{}
	if q.Party != 0 {
		hidden := s.vault.Hide(q.Party)
		party = hidden[:]
	}
	err = s.read(ctx, "reading consents", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var stored numberdb.StoredConsent
			var hidden []byte
			if err := rows.Scan(&stored.ID, &stored.Tenant, &hidden, &stored.Given, &stored.Withdrawn, &stored.Sealed); err != nil {
				return err
			}
			copy(stored.Party[:], hidden)
			c, err := s.vault.OpenConsent(&stored)
			if err != nil {
				refused++
				return nil //nolint:nilerr // it is counted, and told beside the others
			}
			consents = append(consents, c)
			return nil
		}, `SELECT `+consentColumns+` FROM consents WHERE id > ?1 AND (?2 = 0 OR id = ?2) AND (?3 = '`+numberdb.AnyTenant+`' OR tenant = ?3)
			AND (length(?4) = 0 OR party = ?4) AND (?5 = 0 OR withdrawn = 0) ORDER BY id LIMIT ?6`,
			int64(q.After), int64(q.ID), q.Tenant, party, q.Standing, numberdb.PageLimit(q.Limit))
	})
	if err == nil && refused > 0 {
		err = fmt.Errorf("%d consents: %w", refused, numberdb.ErrSealed)
	}
	return consents, err
}
