//go:build peers

package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/await"
)

const benchMasks = 2000

// fill writes rows by COPY: party i of each mask in turn.
func fill(b testing.TB, store *Store, name string, rows int) {
	b.Helper()
	conn := connect(b, name)
	exec(b, conn, `SET session_replication_role = replica; ALTER TABLE maskline.bindings DISABLE TRIGGER log_insert`)
	i := 0
	if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"maskline", "bindings"}, columnNames(), pgx.CopyFromFunc(func() ([]any, error) {
		if i == rows {
			return nil, nil
		}
		s := store.vault.Store(benchBinding(i))
		i++
		return []any{
			s.Mask, s.Party[:], s.Sealed, s.Present, s.Second, s.Services, s.Carriers, s.Expires, s.Tenant, s.Session, s.Counted, s.Keep, s.Digest,
		}, nil
	})); err != nil {
		b.Fatal(err)
	}
	exec(b, conn, `ALTER TABLE maskline.bindings ENABLE ALWAYS TRIGGER log_insert`)
	exec(b, conn, `VACUUM ANALYZE maskline.bindings`)
	exec(b, conn, `CHECKPOINT`)
}

func benchBinding(i int) *numberdb.Binding {
	mask := storetest.Mask(0) + e164.Number(i%benchMasks)
	return &numberdb.Binding{
		Mask: mask, Party: storetest.Party(0) + e164.Number(i/benchMasks), Present: mask + 1,
		To: numberdb.Endpoint{Kind: numberdb.Tel, Number: storetest.Party(1) + e164.Number(i)}, Services: numberdb.SMS | numberdb.Voice,
		Tenant: "shop", Session: numberdb.ID(i + 1), Expires: time.UnixMicro(1893456000123456).UTC(),
	}
}

func columnNames() []string {
	var names []string
	for _, c := range ourLayout() {
		names = append(names, c.name)
	}
	return names
}

// BenchmarkLoad is from the opening of the feed to a table that serves.
func BenchmarkLoad(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000, 10_000_000} {
		for name, change := range map[string]func(*Config){"changelog": polling, "logical": replicating} {
			b.Run(fmt.Sprintf("%d/%s", rows, name), func(b *testing.B) {
				store, name := newStore(b, change)
				fill(b, store, name, rows)
				b.ResetTimer()
				before := storetest.CPUTime()
				for b.Loop() {
					table := numberdb.NewTable()
					feed, err := store.Feed(b.Context(), 0)
					if err != nil {
						b.Fatal(err)
					}
					if err := table.Replace(func(put func(numberdb.Binding)) error {
						_, err := feed.Load(b.Context(), put)
						return err
					}); err != nil || table.Len() != rows {
						b.Fatalf("%d bindings, %v", table.Len(), err)
					}
					if err := feed.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric((storetest.CPUTime()-before).Seconds()/float64(b.N), "edge-cpu-s/op")
			})
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			store, _ := newStore(b, nil)
			changes := make([]numberdb.Change, size)
			for n := 0; b.Loop(); n++ {
				for i := range changes {
					changes[i] = storetest.Put(n%1000, i, i)
				}
				if _, err := store.Apply(b.Context(), changes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkVisible updates rows of a million at a pace, at most 1,000
// transactions a second, by connections that the edge knows nothing of, and tells how long
// after the commit's acknowledgement the table has it.
func BenchmarkVisible(b *testing.B) {
	for name, change := range map[string]func(*Config){"changelog": polling, "logical": replicating} {
		store, database := newStore(b, change)
		fill(b, store, database, 1_000_000)
		for _, pace := range []int{1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", name, pace), func(b *testing.B) { visible(b, store, database, pace) })
		}
	}
}

const visibleTime = 10 * time.Second

func visible(b *testing.B, store *Store, database string, pace int) {
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(store, table, numberdb.SyncConfig{}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = syncer.Run(ctx) })
	defer running.Wait()
	defer cancel()
	await.That(b, time.Minute, "the first load", func() bool { return syncer.Fresh().Loaded })
	const writers = 16
	rows := max(1, pace/1000) // of a transaction
	delays := make([][]time.Duration, writers)
	for b.Loop() {
		started := time.Now()
		var group sync.WaitGroup
		for w := range writers {
			conn := connect(b, database)
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(w), 9))
				look := time.NewTicker(20 * time.Microsecond)
				defer look.Stop()
				for n := 0; ; n++ {
					due := started.Add(time.Duration(n) * time.Second * time.Duration(writers*rows) / time.Duration(pace))
					if due.After(started.Add(visibleTime)) {
						return
					}
					<-time.After(time.Until(due))
					var change numberdb.Binding
					var batch pgx.Batch // one transaction
					for range rows {
						change = *benchBinding(random.IntN(1_000_000/writers)*writers + w)
						change.To.Number = storetest.Party(0) + e164.Number(random.IntN(1_000_000))
						stored := store.vault.Store(&change)
						batch.Queue(`UPDATE maskline.bindings SET sealed = $3, digest = $4 WHERE mask = $1 AND party = $2`,
							stored.Mask, stored.Party[:], stored.Sealed, stored.Digest)
					}
					if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
						b.Error(err)
						return
					}
					committed := time.Now()
					for {
						if got, _ := table.Lookup(change.Mask, change.Party, committed); got.To == change.To {
							break
						}
						if time.Since(committed) > 20*time.Second {
							b.Error("a commit did not become visible")
							return
						}
						<-look.C
					}
					delays[w] = append(delays[w], time.Since(committed))
				}
			})
		}
		group.Wait()
	}
	all := slices.Sorted(func(yield func(time.Duration) bool) {
		for _, some := range delays {
			for _, d := range some {
				if !yield(d) {
					return
				}
			}
		}
	})
	if len(all) == 0 {
		b.Fatal("nothing was measured")
	}
	ms := func(q float64) float64 { return all[int(q*float64(len(all)-1))].Seconds() * 1000 }
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
	b.ReportMetric(ms(1), "max-ms")
	b.ReportMetric(float64(len(all)*rows)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkCompare is a comparison of equal contents.
func BenchmarkCompare(b *testing.B) {
	store, name := newStore(b, replicating)
	fill(b, store, name, 1_000_000)
	b.Run("server", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := store.Sums(b.Context(), 4096); err != nil {
				b.Fatal(err)
			}
		}
	})
	table := numberdb.NewTable()
	if err := table.Replace(func(put func(numberdb.Binding)) error {
		_, err := store.Load(b.Context(), put)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var sum numberdb.Sum
			table.Each(func(binding numberdb.Binding) bool {
				sum.Add(store.Digest(&binding))
				return true
			})
		}
	})
}
