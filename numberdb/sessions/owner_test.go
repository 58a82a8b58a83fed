package sessions

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is an owner on an embedded store, with the table that it fills.
type running struct {
	*Owner
	table *numberdb.Table
}

func start(t *testing.T) *running {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(store, table, numberdb.SyncConfig{}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	owner, err := New(Config{Quarantine: time.Hour}, store, syncer, table, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	syncer.Observe(owner.Observer())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- syncer.Run(ctx) }()
	go func() { ended <- owner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &running{owner, table}
}

func party(i int) e164.Number { return e164.MustParse(fmt.Sprintf("+44770090%04d", i)) }
func mask(i int) e164.Number  { return e164.MustParse(fmt.Sprintf("+44207946%04d", i)) }

// stock adds a pool with masks.
func (r *running) stock(t *testing.T, name string, masks int) {
	t.Helper()
	if err := r.PutPools(t.Context(), []numberdb.Pool{{Name: name}}); err != nil {
		t.Fatal(err)
	}
	var list []numberdb.Mask
	for i := range masks {
		list = append(list, numberdb.Mask{Number: mask(i), Pool: name, Country: "GB", Services: numberdb.SMS | numberdb.Voice})
	}
	if err := r.PutMasks(t.Context(), list, "import", "test"); err != nil {
		t.Fatal(err)
	}
}

func TestASessionRoutesWhenItIsAnswered(t *testing.T) {
	r := start(t)
	r.stock(t, "uk", 4)
	s, err := r.Create(t.Context(), &Request{Pool: "uk", Sides: []Side{{Number: party(1)}, {Number: party(2)}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range s.Participants {
		other := s.Participants[1-i]
		b, status := r.table.Lookup(p.Dial, p.Number, time.Now())
		if status != numberdb.Exact || b.To.Number != other.Number || b.Present != other.Dial {
			t.Errorf("side %d: %v %v", i, status, b)
		}
	}
	ended, err := r.End(t.Context(), "", s.ID, numberdb.Released)
	if err != nil || ended.Live(time.Now()) {
		t.Fatal(err, ended.Ended)
	}
	if _, status := r.table.Lookup(s.Participants[0].Dial, s.Participants[0].Number, time.Now()); status != numberdb.Ended {
		t.Errorf("after the end: %v", status)
	}
}
