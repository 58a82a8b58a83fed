package postgres

import (
	"slices"
	"strings"

	"maskline/e164"
	"maskline/numberdb"
)

const (
	// Writers of the inventory follow one another, so that versions are seen in
	// their order and a change of state is told once.
	bump    = `UPDATE maskline.inventory SET version = version + 1`
	tenants = `INSERT INTO maskline.tenants (name, state, created) SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[])
		ON CONFLICT (name) DO UPDATE SET state = excluded.state`
	pools = `INSERT INTO maskline.pools (` + poolColumns + `)
		SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
			$9::bigint[], $10::bigint[], $11::boolean[])
		ON CONFLICT (name) DO UPDATE SET tenant = excluded.tenant, selection = excluded.selection, quarantine = excluded.quarantine,
		parties = excluded.parties, ttl = excluded.ttl, min_ttl = excluded.min_ttl, max_ttl = excluded.max_ttl,
		idle_ttl = excluded.idle_ttl, max_uses = excluded.max_uses, second = excluded.second`
	poolColumns = `name, tenant, selection, quarantine, parties, ttl, min_ttl, max_ttl, idle_ttl, max_uses, second`
	// moved writes the history of masks that are new or in another state; $4 says
	// which of them an event explains.
	moved = `INSERT INTO maskline.mask_history (mask, at, what, why, actor)
		SELECT r.number, r.since, r.state, '', '` + numberdb.EdgeActor + `'
		FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::boolean[]) AS r(number, since, state, explained)
		LEFT JOIN maskline.masks m ON m.number = r.number
		WHERE NOT r.explained AND m.state IS DISTINCT FROM r.state ORDER BY r.number`
	shelved = `INSERT INTO maskline.masks (` + maskColumns + `)
		SELECT number, nullif(pool, ''), kind, country, region, services, carrier, presents, cost, flags, state, since
		FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::bigint[],
			$10::smallint[], $11::smallint[], $12::bigint[]) AS r(` + maskColumns + `)
		ON CONFLICT (number) DO UPDATE SET pool = excluded.pool, kind = excluded.kind, country = excluded.country,
		region = excluded.region, services = excluded.services, carrier = excluded.carrier, presents = excluded.presents,
		cost = excluded.cost, flags = excluded.flags`
	masks       = shelved + `, state = excluded.state, since = excluded.since`
	maskColumns = `number, pool, kind, country, region, services, carrier, presents, cost, flags, state, since`
	events      = `INSERT INTO maskline.mask_history (mask, at, what, why, actor)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[])`
	gonePools = `DELETE FROM maskline.pools WHERE name = ANY ($1::text[])`
)

const foreignKeyViolation = "23503"

func (g *group) addInventory(w *numberdb.Writes) {
	if len(w.Pools)+len(w.Masks)+len(w.Shelved)+len(w.Gone.Pools) > 0 {
		g.add(bump)
	}
	if len(w.Tenants) > 0 {
		g.add(tenants, tenantColumns(lastByKey(w.Tenants, func(t *numberdb.Tenant) string { return t.Name }))...)
	}
	for part := range slices.Chunk(lastByKey(w.Pools, func(p *numberdb.Pool) string { return p.Name }), chunk) {
		g.add(pools, poolArrays(part)...)
	}
	rows := lastByKey(w.Masks, func(m *numberdb.Mask) e164.Number { return m.Number.Canonical() })
	explained := w.Explained()
	for part := range slices.Chunk(rows, chunk) {
		told := make([]bool, len(part))
		for i := range part {
			told[i] = explained(part[i])
		}
		args := maskArrays(part)
		g.add(moved, args[0], args[11], args[10], told)
		g.steps = append(g.steps, step{masks, args, refusedKey(numberdb.ErrNoPool)})
	}
	for part := range slices.Chunk(lastByKey(w.Shelved, func(m *numberdb.Mask) e164.Number { return m.Number.Canonical() }), chunk) {
		g.steps = append(g.steps, step{shelved, maskArrays(part), refusedKey(numberdb.ErrNoPool)})
	}
	for part := range slices.Chunk(w.Events, chunk) {
		g.add(events, eventArrays(part)...)
	}
	if len(w.Gone.Pools) > 0 {
		g.steps = append(g.steps, step{gonePools, []any{w.Gone.Pools}, refusedKey(numberdb.ErrPoolInUse)})
	}
}

// refusedKey is what the violation of a foreign key means for a statement.
func refusedKey(meaning error) func(*ServerError) error {
	return func(e *ServerError) error {
		if e.State == foreignKeyViolation {
			return meaning
		}
		return nil
	}
}

func tenantColumns(rows []*numberdb.Tenant) []any {
	names, states, created := make([]string, len(rows)), make([]int16, len(rows)), make([]int64, len(rows))
	for i, t := range rows {
		names[i], states[i], created[i] = t.Name, int16(t.State), t.Created.UnixMicro()
	}
	return []any{names, states, created}
}

func poolArrays(rows []*numberdb.Pool) []any {
	n := len(rows)
	names, owners, selections, seconds := make([]string, n), make([]string, n), make([]int16, n), make([]bool, n)
	var numbers [7][]int64
	for i := range numbers {
		numbers[i] = make([]int64, n)
	}
	for i, p := range rows {
		names[i], owners[i], selections[i], seconds[i] = p.Name, p.Tenant, int16(p.Policy.Selection), p.Policy.Second
		for c, value := range [...]int64{
			p.Policy.Quarantine.Microseconds(), int64(p.Policy.Parties), p.Policy.TTL.Microseconds(), p.Policy.MinTTL.Microseconds(),
			p.Policy.MaxTTL.Microseconds(), p.Policy.IdleTTL.Microseconds(), int64(p.Policy.MaxUses),
		} {
			numbers[c][i] = value
		}
	}
	args := []any{names, owners, selections}
	for _, column := range numbers {
		args = append(args, column)
	}
	return append(args, seconds)
}

func maskArrays(rows []*numberdb.Mask) []any {
	n := len(rows)
	var texts [5][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	var small [4][]int16
	for i := range small {
		small[i] = make([]int16, n)
	}
	numbers, costs, since := make([]int64, n), make([]int64, n), make([]int64, n)
	for i, m := range rows {
		numbers[i], costs[i], since[i] = int64(m.Number.Canonical()), m.Cost, m.Since.UnixMicro()
		for c, value := range [...]string{m.Pool, m.Country, m.Region, m.Carrier, strings.Join(m.Presents, "|")} {
			texts[c][i] = value
		}
		for c, value := range [...]int16{int16(m.Kind), int16(m.Services), int16(m.Flags), int16(m.State)} {
			small[c][i] = value
		}
	}
	return []any{numbers, texts[0], small[0], texts[1], texts[2], small[1], texts[3], texts[4], costs, small[2], small[3], since}
}

func eventArrays(rows []numberdb.MaskEvent) []any {
	n := len(rows)
	numbers, at, what, why, actors := make([]int64, n), make([]int64, n), make([]int16, n), make([]string, n), make([]string, n)
	for i := range rows {
		e := &rows[i]
		numbers[i], at[i], what[i], why[i], actors[i] = int64(e.Mask.Canonical()), e.At.UnixMicro(), int16(e.What), e.Why, e.Actor
	}
	return []any{numbers, at, what, why, actors}
}
