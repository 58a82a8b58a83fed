package ledger

import (
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	now := noon.Add(time.Minute)
	clock := func() time.Time { return now }
	l := open(t, Config{Dir: dir, Now: clock})
	old, young := submission(1), submission(2)
	young.At = noon.Add(50 * time.Hour)
	l.Sent(old)
	oldHeld, youngHeld := receipt(1), receipt(2)
	youngHeld.Held = noon.Add(50 * time.Hour)
	holdAll(t, l, oldHeld, youngHeld)
	closeIt(t, l)

	now = noon.Add(60 * time.Hour)
	l = open(t, Config{Dir: dir, Now: clock})
	l.Sent(young)
	if sent, held := restored(t, l); len(sent) != 1 || len(held) != 1 || held[0].ID != 2 {
		t.Fatalf("after 60 hours %d submissions, %d receipts", len(sent), len(held))
	}
	closeIt(t, l)

	now = noon.Add(80 * time.Hour)
	l = open(t, Config{Dir: dir, Now: clock})
	if sent, held := restored(t, l); len(sent) != 1 || sent[0] != young || len(held) != 0 {
		t.Fatalf("after 80 hours %d submissions, %d receipts", len(sent), len(held))
	}
	var rows int
	if err := l.db.QueryRow(`SELECT (SELECT count(*) FROM sent) + (SELECT count(*) FROM held)`).Scan(&rows); err != nil || rows != 1 {
		t.Fatalf("%d rows are left in the file, %v", rows, err)
	}
	closeIt(t, l)
}

func TestSubmissionsAreBounded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir, SentMax: 10_000, FlushEvery: time.Millisecond})
	for i := range 60_000 {
		l.Sent(submission(i))
	}
	closeIt(t, l)
	l = open(t, Config{Dir: dir, SentMax: 10_000})
	defer closeIt(t, l)
	sent, _ := restored(t, l)
	if len(sent) == 0 || len(sent) > 10_000 || sent[len(sent)-1] != submission(59_999) {
		t.Fatalf("%d submissions are left", len(sent))
	}
}
