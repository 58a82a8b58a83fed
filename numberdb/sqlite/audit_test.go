package sqlite

import (
	"testing"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

func TestAlteredAudit(t *testing.T) {
	store := database(t.TempDir())(t).(*Store)
	defer store.Close()
	for _, trigger := range []string{"audit_kept", "audit_whole"} {
		execAll(t, store.writer, `DROP TRIGGER `+trigger)
	}
	storetest.AlteredAudit(t, store, func(text string) { execAll(t, store.writer, text) }, "")
}

func TestTheAuditIsNeverChanged(t *testing.T) {
	store := database(t.TempDir())(t).(*Store)
	defer store.Close()
	storetest.Commit(t, store, numberdb.Writes{Audit: storetest.AuditLines(3)})
	storetest.Chain(t, store)
	for _, text := range []string{`UPDATE audit SET actor = 'x'`, `DELETE FROM audit`, `DELETE FROM audit WHERE place = 1`} {
		if _, err := store.writer.ExecContext(t.Context(), text); err == nil {
			t.Errorf("%s was done", text)
		}
	}
}
