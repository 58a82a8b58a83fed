package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

// auditCases are the part of the contract about the audit and consents.
func auditCases() []contractCase {
	return []contractCase{
		{"lines of the audit are chained in order and kept over a restart", auditChained},
		{"a line is committed with its change or not at all", auditWithChange},
		{"many commit and chain", auditTogether},
		{"lines are found by tenant and subject", auditFound},
		{"consents keep every field and are withdrawn", consentsKept},
		{"consents are found by party and tenant", consentsFound},
	}
}

// AuditLine is the i-th of some lines.
func AuditLine(i int) numberdb.AuditLine {
	return numberdb.AuditLine{
		ID: numberdb.ID(1000 + i), At: moment(i), Node: "edge-1", Actor: fmt.Sprint("key_", i%3), Tenant: []string{"", "shop"}[i%2],
		What: "session.created", Subject: numberdb.ID(i + 1).Text(numberdb.SessionPrefix), Detail: "pool 'ünïcode' | \" x",
	}
}

// AuditLines are the first n of them.
func AuditLines(n int) (lines []numberdb.AuditLine) {
	for i := range n {
		lines = append(lines, AuditLine(i))
	}
	return lines
}

type auditing interface {
	numberdb.AuditStore
	numberdb.ConsentStore
}

func audited(t *testing.T, r Registry) auditing {
	t.Helper()
	a, is := r.(auditing)
	if !is {
		t.Fatal("the store keeps no audit")
	}
	return a
}

// Chain chains all that waits, and returns the end of the chain.
func Chain(t *testing.T, a numberdb.AuditStore) numberdb.AuditHead {
	t.Helper()
	for {
		chained, forged, _, err := a.ChainAudit(t.Context(), 7)
		if err != nil || forged != 0 {
			t.Fatalf("%d forged, %v", forged, err)
		}
		if chained == 0 {
			head, err := a.AuditEnd(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return head
		}
	}
}

// Audited is the whole chain.
func Audited(t *testing.T, a numberdb.AuditStore, q numberdb.AuditQuery) []numberdb.ChainedLine {
	t.Helper()
	lines, err := a.Audit(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func auditChained(t *testing.T, db Database) {
	r := openRegistry(t, db)
	a := audited(t, r)
	if head := Chain(t, a); head != (numberdb.AuditHead{}) {
		t.Fatalf("an empty chain ends at %+v", head)
	}
	want := AuditLines(20)
	Commit(t, r, numberdb.Writes{Audit: want[:12]})
	half := Chain(t, a)
	Commit(t, r, numberdb.Writes{Audit: want[12:]})
	Commit(t, r, numberdb.Writes{Audit: want[11:13]}) // known, chained or not
	head := Chain(t, a)
	if half.Place != 12 || head.Place != 20 {
		t.Fatalf("the chain ends at %d, then %d", half.Place, head.Place)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	a = audited(t, openRegistry(t, db))
	lines := Audited(t, a, numberdb.AuditQuery{Tenant: numberdb.AnyTenant})
	for i := range lines {
		if lines[i].Place != uint64(i+1) {
			t.Fatalf("line %d has the place %d", i, lines[i].Place)
		}
		if diff := cmp.Diff(want[i], lines[i].AuditLine); diff != "" {
			t.Error(diff)
		}
	}
	if len(lines) != 20 || lines[19].Hash != head.Hash {
		t.Fatalf("%d lines", len(lines))
	}
	if end, err := numberdb.VerifyAudit(t.Context(), a, []numberdb.AuditHead{half, head}); err != nil || end != head {
		t.Errorf("%+v, %v", end, err)
	}
	lines[3].Detail = "another"
	if err := a.CheckAudit(numberdb.AuditHash{}, lines); !errors.Is(err, numberdb.ErrAudit) {
		t.Error("an altered line passes", err)
	}
}

func auditWithChange(t *testing.T, db Database) {
	r := openRegistry(t, db)
	a := audited(t, r)
	_, err := r.Commit(t.Context(), &numberdb.Writes{Masks: []numberdb.Mask{{Number: Mask(1), Pool: "none", Services: numberdb.SMS, Since: moment(1)}}, Audit: AuditLines(3)})
	if !errors.Is(err, numberdb.ErrNoPool) {
		t.Fatal(err)
	}
	if head := Chain(t, a); head.Place != 0 {
		t.Fatalf("%d lines of a change that was not made", head.Place)
	}
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Audit: AuditLines(3)})
	if head := Chain(t, a); head.Place != 3 {
		t.Fatalf("%d lines", head.Place)
	}
	bad := AuditLine(9)
	bad.Subject = strings.Repeat("x", 1000)
	if _, err := r.Commit(t.Context(), &numberdb.Writes{Audit: []numberdb.AuditLine{bad}}); err == nil || strings.Contains(err.Error(), "xxx") {
		t.Errorf("a line that is none: %v", err)
	}
}

func auditTogether(t *testing.T, db Database) {
	r := openRegistry(t, db)
	a := audited(t, r)
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				line := AuditLine(w*each + i)
				if _, err := r.Commit(t.Context(), &numberdb.Writes{Audit: []numberdb.AuditLine{line}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 20 {
				if _, _, _, err := a.ChainAudit(t.Context(), 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	head := Chain(t, a)
	if end, err := numberdb.VerifyAudit(t.Context(), a, nil); err != nil || end != head || end.Place != writers*each {
		t.Errorf("%d lines, %v", end.Place, err)
	}
}

func auditFound(t *testing.T, db Database) {
	r := openRegistry(t, db)
	a := audited(t, r)
	Commit(t, r, numberdb.Writes{Audit: AuditLines(10)})
	Chain(t, a)
	for name, c := range map[string]struct {
		query numberdb.AuditQuery
		want  int
	}{
		"of all":                      {numberdb.AuditQuery{Tenant: numberdb.AnyTenant}, 10},
		"of the operator":             {numberdb.AuditQuery{}, 5},
		"of a tenant":                 {numberdb.AuditQuery{Tenant: "shop"}, 5},
		"of another tenant":           {numberdb.AuditQuery{Tenant: "other"}, 0},
		"after a place":               {numberdb.AuditQuery{Tenant: numberdb.AnyTenant, After: 7}, 3},
		"a page":                      {numberdb.AuditQuery{Tenant: numberdb.AnyTenant, Limit: 4}, 4},
		"of a subject":                {numberdb.AuditQuery{Tenant: numberdb.AnyTenant, Subject: AuditLine(4).Subject}, 1},
		"of another tenant's subject": {numberdb.AuditQuery{Tenant: "shop", Subject: AuditLine(4).Subject}, 0},
	} {
		if got := Audited(t, a, c.query); len(got) != c.want {
			t.Errorf("%s: %d lines, want %d", name, len(got), c.want)
		}
	}
}

// Consent is the i-th of some consents.
func Consent(i int) numberdb.Consent {
	return numberdb.Consent{
		ID: numberdb.ID(500 + i), Tenant: []string{"", "shop"}[i%2], Party: Party(i % 3), Text: "I agree to be called\nunder a mask 'ünïcode' " + fmt.Sprint(i), Method: "checkbox",
		Workflow: []string{"", "delivery"}[i%2], Given: moment(i),
	}
}

func consentsKept(t *testing.T, db Database) {
	r := openRegistry(t, db)
	one, two := Consent(1), Consent(2)
	Commit(t, r, numberdb.Writes{Consents: []numberdb.Consent{one, two}})
	one.Withdrawn = moment(7)
	foreign := two
	foreign.Tenant, foreign.Withdrawn = "other", moment(8)
	Commit(t, r, numberdb.Writes{Consents: []numberdb.Consent{one, foreign}})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := audited(t, openRegistry(t, db)).Consents(t.Context(), numberdb.ConsentQuery{Tenant: numberdb.AnyTenant})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]numberdb.Consent{one, two}, found); diff != "" {
		t.Error(diff)
	}
}

func consentsFound(t *testing.T, db Database) {
	r := openRegistry(t, db)
	var all []numberdb.Consent
	for i := range 12 {
		c := Consent(i)
		if i >= 6 {
			c.Withdrawn = moment(20)
		}
		all = append(all, c)
	}
	Commit(t, r, numberdb.Writes{Consents: all})
	a := audited(t, r)
	for name, c := range map[string]struct {
		query numberdb.ConsentQuery
		want  int
	}{
		"of all": {numberdb.ConsentQuery{Tenant: numberdb.AnyTenant}, 12}, "of a tenant": {numberdb.ConsentQuery{Tenant: "shop"}, 6}, "of another": {numberdb.ConsentQuery{Tenant: "other"}, 0},
		"standing": {numberdb.ConsentQuery{Tenant: "shop", Standing: true}, 3}, "of a party": {numberdb.ConsentQuery{Tenant: "shop", Party: Party(1)}, 2},
		"of a party, standing": {numberdb.ConsentQuery{Tenant: "shop", Party: Party(1), Standing: true}, 1}, "a page": {numberdb.ConsentQuery{Tenant: "shop", Limit: 2}, 2},
		"after": {numberdb.ConsentQuery{Tenant: numberdb.AnyTenant, After: all[9].ID}, 2}, "one": {numberdb.ConsentQuery{Tenant: "shop", ID: all[1].ID}, 1},
		"another tenant's": {numberdb.ConsentQuery{Tenant: "shop", ID: all[2].ID}, 0},
	} {
		found, err := a.Consents(t.Context(), c.query)
		if err != nil || len(found) != c.want {
			t.Errorf("%s: %d, want %d, %v", name, len(found), c.want, err)
		}
	}
}

// AlteredAudit alters the audit by SQL in every way that a thief of traces might, and
// wants Verify to find each. unlock lets the tables be changed, restore puts them back
// as they were; run fails the test.
func AlteredAudit(t *testing.T, r Registry, run func(text string), prefix string) {
	t.Helper()
	a := audited(t, r)
	Commit(t, r, numberdb.Writes{Audit: AuditLines(30)})
	half := Chain(t, a)
	Commit(t, r, numberdb.Writes{Audit: AuditLines(60)[30:]})
	head := Chain(t, a)
	table, end := prefix+"audit", prefix+"audit_end"
	run(`CREATE TABLE ` + prefix + `audit_copy AS SELECT * FROM ` + table)
	run(`CREATE TABLE ` + prefix + `audit_end_copy AS SELECT * FROM ` + end)
	columns := `place, id, at, node, actor, tenant, what, subject, detail, hash`
	for _, c := range []struct {
		name, text string
		kept       []numberdb.AuditHead
		place      uint64 // that is named; 0: the end itself is wrong
		unseen     bool
	}{
		{"nothing", `SELECT 1`, []numberdb.AuditHead{half, head}, 0, true},
		{"a removed line", `DELETE FROM ` + table + ` WHERE place = 17`, nil, 17, false},
		{"the first line removed", `DELETE FROM ` + table + ` WHERE place = 1`, nil, 1, false},
		{"the last lines removed", `DELETE FROM ` + table + ` WHERE place > 50`, nil, 51, false},
		{"all lines removed", `DELETE FROM ` + table, nil, 1, false},
		{"a changed actor", `UPDATE ` + table + ` SET actor = 'key_9' WHERE place = 20`, nil, 20, false},
		{"a changed time", `UPDATE ` + table + ` SET at = at + 1 WHERE place = 20`, nil, 20, false},
		{"a changed detail", `UPDATE ` + table + ` SET detail = '' WHERE place = 60`, nil, 60, false},
		{"another tenant", `UPDATE ` + table + ` SET tenant = 'other' WHERE place = 2`, nil, 2, false},
		{"two fields that flow into one another", `UPDATE ` + table + ` SET what = what || subject, subject = '' WHERE place = 3`, nil, 3, false},
		{"two lines that change places", `UPDATE ` + table + ` SET place = CASE place WHEN 30 THEN -31 ELSE -30 END WHERE place = 30 OR place = 31;
			UPDATE ` + table + ` SET place = -place WHERE place < 0`, nil, 30, false},
		{"a line twice", `UPDATE ` + table + ` SET detail = 'x' WHERE place = 60; INSERT INTO ` + table + ` (` + columns + `) SELECT 61, 999, at, node, actor, tenant, what, subject, detail, hash FROM ` + table + ` WHERE place = 60`, nil, 60, false},
		{"a line that nobody wrote", `INSERT INTO ` + table + ` (` + columns + `) SELECT 61, 999, at, node, actor, tenant, what, subject, detail, hash FROM ` + table + ` WHERE place = 60`, nil, 61, false},
		{"the end set back with its lines", `DELETE FROM ` + table + ` WHERE place > 30; UPDATE ` + end + ` SET place = 30, hash = (SELECT hash FROM ` + table + ` WHERE place = 30)`, nil, 0, false},
		{"everything removed, the end too", `DELETE FROM ` + table + `; UPDATE ` + end + ` SET place = 0, hash = sum, sum = sum`, nil, 0, false},
		{"an empty store, with an end that was kept", `DELETE FROM ` + table + `; DELETE FROM ` + end + `; INSERT INTO ` + end + ` (one, place, hash, sum) SELECT one, 0, substr(hash, 1, 0), substr(sum, 1, 0) FROM ` + prefix + `audit_end_copy`, []numberdb.AuditHead{half}, 1, false},
		{"an end that was kept of another chain", `SELECT 1`, []numberdb.AuditHead{{Place: half.Place, Hash: head.Hash}}, half.Place, false},
		{"an end that was kept and is further on", `SELECT 1`, []numberdb.AuditHead{{Place: 90, Hash: head.Hash}}, 61, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for part := range strings.SplitSeq(c.text, ";") {
				run(part)
			}
			_, err := numberdb.VerifyAudit(t.Context(), a, c.kept)
			var fault *numberdb.AuditFault
			switch {
			case c.unseen && err != nil, !c.unseen && !errors.Is(err, numberdb.ErrAudit):
				t.Errorf("%v", err)
			case c.place != 0 && (!errors.As(err, &fault) || fault.Place != c.place):
				t.Errorf("it names another place than %d: %v", c.place, err)
			}
			run(`DELETE FROM ` + table)
			run(`INSERT INTO ` + table + ` (` + columns + `) SELECT ` + columns + ` FROM ` + prefix + `audit_copy`)
			run(`DELETE FROM ` + end)
			run(`INSERT INTO ` + end + ` (one, place, hash, sum) SELECT one, place, hash, sum FROM ` + prefix + `audit_end_copy`)
		})
	}
	run(`INSERT INTO ` + prefix + `audit_waiting (id, at, node, actor, tenant, what, subject, detail, sum) SELECT 4000, at, node, 'key_1', tenant, what, subject, detail, hash FROM ` + table + ` WHERE place = 1`)
	if chained, forged, _, err := a.ChainAudit(t.Context(), 10); chained != 0 || forged != 1 || err != nil {
		t.Errorf("a line of another hand: %d chained, %d forged, %v", chained, forged, err)
	}
}
