package postgres

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"maskline/numberdb"
)

// group is what one Commit sends. The rows of each statement are in the order of
// keys, and the statements take the tables in one order, so that two groups
// seldom deadlock. They still can: several statements write bindings, each in an
// order of its own. Postgres ends one of the two then, and it is sent again.
type group struct {
	now          time.Time
	claims       []numberdb.Stored
	replaced     []any // keys and sessions, an array for each column
	unchanged    []any // sessions and their versions, likewise
	made         []any // new ones, likewise
	attempts     []hiddenAttempt
	attemptNames map[numberdb.HiddenKey]numberdb.AttemptKey
	steps        []step
	hopes        bool // that claims and new sessions meet nothing, not even what is over
}

// step is a statement.
type step struct {
	text  string
	args  []any
	fault func(*ServerError) error // what a refusal of it means
}

type hiddenAttempt struct {
	key, request numberdb.HiddenKey
	*numberdb.Attempt
}

func (g *group) add(text string, args ...any) {
	g.steps = append(g.steps, step{text: text, args: args})
}

// sent is the steps as they are sent; the last one tells the transaction.
func (g *group) sent() []step {
	if len(g.steps) == 2 && g.steps[0].text == claimFree && g.steps[1].text == sessionNew {
		return []step{{text: claimAndSession, args: []any{g.steps[0].args[0], g.steps[1].args[0]}}}
	}
	return append(slices.Clip(g.steps), step{text: whichTransaction})
}

func (s *Store) group(w *numberdb.Writes) *group {
	g := &group{now: s.clock(), claims: make([]numberdb.Stored, len(w.Claims))}
	sealer := s.vault.Sealer()
	for i := range w.Claims {
		g.claims[i] = sealer.Store(&w.Claims[i])
	}
	sortByKey(g.claims)
	if len(w.Bindings) > 0 {
		rows := byKey(s.vault, w.Bindings)
		for part := range slices.Chunk(rows.with(g.claims), chunk) {
			g.add(lockRows, writeKeys(part)...)
		}
		for part := range slices.Chunk(rows.puts, chunk) {
			g.add(upsert, writeRows(part)...)
		}
		for part := range slices.Chunk(rows.deletes, chunk) {
			g.add(remove, writeKeys(part)...)
		}
	}
	g.addReplaced(sealer, w.Replaced)
	for part := range slices.Chunk(g.claims, chunk) {
		g.add(claimFree, claimRows(part))
	}
	g.addAttempts(s.vault, w.Attempts)
	g.addSessions(sealer, w)
	g.addMessages(s.vault, w)
	g.addCalls(w)
	g.addInventory(w)
	g.addOutbox(w)
	g.addAudit(s.vault, w)
	if g.hopes = len(g.claims)+len(w.New) > 0; g.hopes && s.anyhow.Load() > 0 {
		s.anyhow.Add(-1)
		g.anyhow()
	}
	return g
}

// hopeless is for how many groups nothing is hoped after one that hoped in vain: it
// was sent twice.
const hopeless = 100

// anyhow lets the claims take the places of what is over, and lets new sessions be
// there if they are the same.
func (g *group) anyhow() {
	for i := range g.steps {
		switch step := &g.steps[i]; step.text {
		case claimFree:
			step.text = claim
			step.args = append(step.args, g.now.UnixMicro(), g.now.Add(-numberdb.KeepByHand).UnixMicro())
		case sessionNew:
			step.text = sessionOwn
		}
	}
	if len(g.made) > 0 {
		g.add(unchanged, g.made...)
	}
	g.hopes = false
}

func (s *Store) clock() time.Time {
	if s.cfg.Now == nil {
		return time.Now()
	}
	return s.cfg.Now()
}

func (g *group) addReplaced(sealer *numberdb.Sealer, rows []numberdb.Replaced) {
	masks, parties, sessions := make([]int64, len(rows)), make([][]byte, len(rows)), make([]int64, len(rows))
	for i := range rows {
		hidden := sealer.Hide(rows[i].Key.Party)
		masks[i], parties[i], sessions[i] = int64(rows[i].Key.Mask), hidden[:], int64(rows[i].Session)
	}
	g.replaced = []any{masks, parties, sessions}
	if len(rows) > 0 {
		g.add(replaced, masks, parties, sessions, g.now.UnixMicro())
	}
}

func (g *group) addAttempts(vault *numberdb.Vault, attempts []numberdb.Attempt) {
	if len(attempts) == 0 {
		return
	}
	g.attemptNames = make(map[numberdb.HiddenKey]numberdb.AttemptKey, len(attempts))
	for i := range attempts {
		a := hiddenAttempt{vault.HideKey(attempts[i].Tenant, attempts[i].Key), vault.HideRequest(attempts[i].Tenant, attempts[i].Fingerprint), &attempts[i]}
		g.attempts = append(g.attempts, a)
		g.attemptNames[a.key] = numberdb.AttemptKey{Tenant: a.Tenant, Key: a.Key}
	}
	slices.SortFunc(g.attempts, func(a, b hiddenAttempt) int { return bytes.Compare(a.key[:], b.key[:]) })
	n := len(attempts)
	tenants, requests, responses, untils := make([]string, n), make([][]byte, n), make([]int64, n), make([]int64, n)
	for i := range g.attempts {
		a := &g.attempts[i]
		tenants[i], requests[i], responses[i], untils[i] = a.Tenant, a.request[:], int64(a.Response), a.Until.UnixMicro()
	}
	g.add(attempt, g.attemptKeys(), tenants, requests, responses, untils, g.now.UnixMicro())
}

func (g *group) attemptKeys() [][]byte {
	keys := make([][]byte, len(g.attempts))
	for i := range g.attempts {
		keys[i] = g.attempts[i].key[:]
	}
	return keys
}

func (g *group) addSessions(sealer *numberdb.Sealer, w *numberdb.Writes) {
	g.addUnchanged(w.Sessions)
	isNew := make(map[numberdb.ID]bool, len(w.New))
	for _, id := range w.New {
		isNew[id] = true
	}
	sessions := lastByKey(w.Sessions, func(s *numberdb.Session) numberdb.ID { return s.ID })
	made, known := make([]*numberdb.Session, 0, len(w.New)), make([]*numberdb.Session, 0, len(sessions))
	for _, s := range sessions {
		if isNew[s.ID] {
			made = append(made, s)
		} else {
			known = append(known, s)
		}
	}
	g.putSessions(sealer, session, known)
	if len(made) > 0 {
		g.made = g.putSessions(sealer, sessionNew, made)
	}
	if len(w.Gone.Sessions) > 0 {
		ids := make([]int64, len(w.Gone.Sessions))
		for i, id := range w.Gone.Sessions {
			ids[i] = int64(id)
		}
		g.add(goneSessions, ids)
		g.add(goneParties, ids)
	}
}

// putSessions returns their IDs and versions.
func (g *group) putSessions(sealer *numberdb.Sealer, text string, sessions []*numberdb.Session) []any {
	var tags []numberdb.PartyTag
	ids, versions := make([]int64, 0, len(sessions)), make([][]byte, 0, len(sessions))
	for part := range slices.Chunk(sessions, chunk) {
		rows := newRowArray(sessionType, 400*len(part))
		var parties, of []int64 // from the third on, and their sessions
		for i := range part {
			stored := sealer.StoreSession(part[i])
			version := stored.Version()
			ids, versions = append(ids, stored.ID), append(versions, version[:])
			tags = sealer.Tags(tags[:0], part[i])
			for _, tag := range rows.put(&stored, tags) {
				parties, of = append(parties, int64(tag)), append(of, stored.ID)
			}
		}
		g.add(text, rows)
		if len(parties) > 0 {
			g.add(further, parties, of)
		}
	}
	return []any{ids, versions}
}

func (g *group) addUnchanged(sessions []numberdb.Session) {
	var ids []int64
	var versions [][]byte
	for i := range sessions {
		if s := &sessions[i]; s.Version != (numberdb.SessionVersion{}) {
			ids, versions = append(ids, int64(s.ID)), append(versions, s.Version[:])
		}
	}
	if len(ids) > 0 {
		g.unchanged = []any{ids, versions}
		g.add(unchanged, g.unchanged...)
	}
}

// lastByKey is the last of each key, in the order of keys.
func lastByKey[T any, K cmp.Ordered](rows []T, key func(*T) K) []*T {
	last := make(map[K]*T, len(rows))
	for i := range rows {
		last[key(&rows[i])] = &rows[i]
	}
	out := make([]*T, 0, len(last))
	for _, row := range last {
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b *T) int { return cmp.Compare(key(a), key(b)) })
	return out
}
