//go:build peers

package postgres

import (
	"testing"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

func TestAlteredAudit(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.Apply(t, store)
	conn := connect(t, name)
	storetest.Commit(t, store, numberdb.Writes{})
	exec(t, conn, `ALTER TABLE maskline.audit DISABLE TRIGGER audit_kept`)
	storetest.AlteredAudit(t, store, func(text string) { exec(t, conn, text) }, "maskline.")
}

func TestTheAuditIsNeverChanged(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.Commit(t, store, numberdb.Writes{Audit: storetest.AuditLines(3)})
	storetest.Chain(t, store)
	conn := connect(t, name)
	for _, text := range []string{`UPDATE maskline.audit SET actor = 'x'`, `DELETE FROM maskline.audit`, `TRUNCATE maskline.audit`} {
		if _, err := conn.Exec(t.Context(), text); err == nil {
			t.Errorf("%s was done", text)
		}
	}
}
