package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maskline/numberdb"
)

// did are the acts in the audit of a running edge, with who did them.
func (r *running) did() (acts []string) {
	r.t.Helper()
	r.eventually("the audit to be chained", func() bool {
		chained, _, _, err := r.store.ChainAudit(r.t.Context(), 1000)
		return err == nil && chained == 0
	})
	lines, err := r.store.Audit(r.t.Context(), numberdb.AuditQuery{Tenant: numberdb.AnyTenant, Limit: 10_000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range lines {
		acts = append(acts, l.Actor+" "+l.What)
		for _, text := range []string{l.Subject, l.Detail} {
			if strings.Contains(text, "7009001") || strings.Contains(text, "7009002") {
				r.t.Errorf("a number is in the audit: %s", text)
			}
		}
	}
	return acts
}

func TestWhatTheOperatorDoesIsAudited(t *testing.T) {
	c, r := stocked(t)
	s := c.pair("+447700900101", "+447700900202", "--label", "for +447700900101")
	c.at("sessions", "extend", s.ID, "--ttl", "2h")
	c.at("sessions", "end", s.ID)
	c.at("blocks", "add", "--party", "+447700900101")
	c.at("blocks", "remove", "--party", "+447700900101")
	c.write("routes.csv", "mask,party,to,present,services,carriers,expires_at\n442079460077,*,tel:+447700900303,442079460077,sms,,\n")
	c.at("routes", "import", "routes.csv")
	acts := r.did()
	for _, want := range []string{
		"operator pool.set", "operator mask.free", "operator session.created", "operator session.extended", "operator session.released",
		"operator block.set", "operator block.lifted", "operator bindings.changed",
	} {
		if !slices.Contains(acts, want) {
			t.Errorf("not in the audit: %s; %q", want, acts)
		}
	}
	if out := c.at("audit", "verify"); !strings.HasSuffix(out, " lines, all as they were written\n") {
		t.Errorf("verify says %q", out)
	}
	head := strings.TrimSpace(c.at("audit", "head"))
	c.at("audit", "verify", "--head", head)
	c.refuses(1, "expected an end of the chain", "audit", "verify", "--head", "7")
	other := numberdb.AuditHead{Place: 2, Hash: numberdb.AuditHash{1}}
	if code, out, errs := c.run("audit", "verify", "--head", other.Text(), "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "line 2 is another one than when its hash was kept") || !strings.Contains(out, "lines are as") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestAuditWithoutAnEdge(t *testing.T) {
	c := newCLI(t)
	c.stock()
	head := strings.TrimSpace(c.at("audit", "head"))
	c.at("audit", "verify", "--head", head)
	file := filepath.Join(c.path("data"), endName)
	if err := os.WriteFile(file, []byte(head+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.at("audit", "verify")
	databases, err := filepath.Glob(filepath.Join(c.path("data"), "*.db"))
	if err != nil || len(databases) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, k := range []struct{ name, sql, words string }{
		{"removed", `DELETE FROM audit WHERE place = 3`, "line 3 is missing"},
		{"set back", `DELETE FROM audit; UPDATE audit_end SET place = 0, hash = x'', sum = x''`, "further on"},
	} {
		tamper(t, databases, k.sql)
		if code, _, errs := c.run("audit", "verify", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, k.words) {
			t.Errorf("%s: exit %d, %q", k.name, code, errs)
		}
	}
}

// tamper runs SQL on the database that has an audit.
func tamper(t *testing.T, files []string, text string) {
	t.Helper()
	for _, file := range files {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), `DROP TRIGGER IF EXISTS audit_kept; DROP TRIGGER IF EXISTS audit_whole; `+text); err != nil && !strings.Contains(err.Error(), "no such table") {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
