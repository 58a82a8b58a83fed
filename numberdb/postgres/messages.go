package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

const (
	messageColumns = `id, session, verification, created, submitted, ended, until, code, state, segments, tenant, carrier, tries`
	putMessages    = `INSERT INTO maskline.messages (` + messageColumns + `) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
		$4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[], $9::smallint[], $10::smallint[], $11::text[], $12::text[], $13::text[])`
	// reportMessages changes no final state. $8 is that of a message which a carrier
	// has, $9 the first final one.
	reportMessages = `UPDATE maskline.messages m SET
		state = CASE WHEN m.state < $9 THEN greatest(m.state, r.state) ELSE m.state END,
		submitted = CASE WHEN r.state = $8 AND m.submitted = 0 THEN r.at ELSE m.submitted END,
		ended = CASE WHEN r.state >= $9 AND m.state < $9 THEN r.at ELSE m.ended END,
		segments = CASE WHEN r.segments > 0 THEN r.segments ELSE m.segments END,
		carrier = CASE WHEN r.carrier <> '' THEN r.carrier ELSE m.carrier END,
		code = CASE WHEN r.code > 0 AND m.state < $9 THEN r.code ELSE m.code END,
		tries = CASE WHEN r.tries <> '' THEN r.tries ELSE m.tries END
		FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::smallint[], $5::text[], $6::integer[], $7::text[])
			AS r(id, state, at, segments, carrier, code, tries)
		WHERE m.id = r.id`
	lockMessages     = `SELECT 1 FROM maskline.messages WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE`
	goneMessages     = `DELETE FROM maskline.messages WHERE id = ANY ($1::bigint[])`
	goneVerification = `DELETE FROM maskline.verifications WHERE id = $1`
	goneAttempts     = `DELETE FROM maskline.attempts WHERE key IN
		(SELECT key FROM maskline.attempts WHERE key = ANY ($1::bytea[]) ORDER BY key FOR UPDATE)`
)

var _ numberdb.MessageStore = (*Store)(nil)

func (g *group) addMessages(vault *numberdb.Vault, w *numberdb.Writes) {
	for part := range slices.Chunk(w.Messages, chunk) {
		g.add(putMessages, messageArrays(part)...)
	}
	reports := slices.Clone(w.Reports)
	slices.SortFunc(reports, func(a, b numberdb.MessageReport) int { return cmp.Compare(a.ID, b.ID) })
	for part := range slices.Chunk(reports, chunk) {
		args := reportArrays(part)
		if len(part) > 1 {
			g.add(lockMessages, args[0])
		}
		g.add(reportMessages, args...)
	}
	if gone := w.Gone.Messages; len(gone) > 0 {
		ids := make([]int64, len(gone))
		for i := range gone {
			ids[i] = int64(gone[i])
		}
		slices.Sort(ids)
		g.add(lockMessages, ids)
		g.add(goneMessages, ids)
	}
	for _, id := range w.Gone.Verifications {
		g.add(goneVerification, int64(id))
	}
	if gone := w.Gone.Attempts; len(gone) > 0 {
		keys := make([][]byte, len(gone))
		for i := range gone {
			key := vault.HideKey(gone[i].Tenant, gone[i].Key)
			keys[i] = key[:]
		}
		g.add(goneAttempts, keys)
	}
}

func messageArrays(messages []numberdb.Message) []any {
	n := len(messages)
	ids, sessions, verifications := make([]int64, n), make([]int64, n), make([]int64, n)
	created, submitted, ended, until := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	codes, states, segments := make([]int32, n), make([]int16, n), make([]int16, n)
	tenants, carriers, tries := make([]string, n), make([]string, n), make([]string, n)
	for i := range messages {
		s := messages[i].Stored()
		ids[i], sessions[i], verifications[i] = s.ID, s.Session, s.Verification
		created[i], submitted[i], ended[i], until[i] = s.Created, s.Submitted, s.Ended, s.Expiry
		codes[i], states[i], segments[i] = s.Code, s.State, s.Segments
		tenants[i], carriers[i], tries[i] = s.Tenant, s.Carrier, s.Tries
	}
	return []any{ids, sessions, verifications, created, submitted, ended, until, codes, states, segments, tenants, carriers, tries}
}

func reportArrays(reports []numberdb.MessageReport) []any {
	n := len(reports)
	ids, times := make([]int64, n), make([]int64, n)
	states, segments, codes := make([]int16, n), make([]int16, n), make([]int32, n)
	carriers, tries := make([]string, n), make([]string, n)
	for i := range reports {
		r := &reports[i]
		ids[i], states[i], times[i], segments[i] = int64(r.ID), int16(r.State), r.At.UnixMicro(), int16(r.Segments)
		carriers[i], codes[i], tries[i] = r.Carrier, int32(r.Code), numberdb.TriesText(r.Tries)
	}
	return []any{ids, states, times, segments, carriers, codes, tries, int16(numberdb.MessageSubmitted), int16(numberdb.MessageDelivered)}
}

// Messages reads a page.
func (s *Store) Messages(ctx context.Context, q numberdb.MessageQuery) (found []numberdb.Message, err error) {
	err = s.read(ctx, "reading messages", s.cfg.Query, func(ctx context.Context) error {
		text, args := messageQuery(&q)
		rows, err := s.pool.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		var r numberdb.StoredMessage
		_, err = pgx.ForEachRow(rows, []any{
			&r.ID, &r.Session, &r.Verification, &r.Created, &r.Submitted, &r.Ended, &r.Expiry, &r.Code, &r.State, &r.Segments, &r.Tenant, &r.Carrier, &r.Tries,
		}, func() error {
			m, err := r.Message()
			if err == nil {
				found = append(found, m)
			}
			return err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// messageQuery has only the conditions that the query makes.
func messageQuery(q *numberdb.MessageQuery) (string, []any) {
	var c conditions
	c.add(`id > ?`, int64(q.After))
	if q.ID != 0 {
		c.add(`id = ?`, int64(q.ID))
	}
	if len(q.IDs) > 0 {
		c.add(`id = ANY (?::bigint[])`, q.IDs)
	}
	if q.Tenant != numberdb.AnyTenant {
		c.add(`tenant = ?`, q.Tenant)
	}
	if q.Session != 0 {
		c.add(`session <> 0 AND session = ?`, int64(q.Session))
	}
	if q.Verification != 0 {
		c.add(`verification <> 0 AND verification = ?`, int64(q.Verification))
	}
	if q.Before != 0 {
		c.add(`id < ?`, int64(q.Before))
	}
	if q.Open {
		c.where = append(c.where, `state = 0`)
	}
	return c.page(`SELECT `+messageColumns+` FROM maskline.messages`, `id`, numberdb.PageLimit(q.Limit)), c.args
}
