package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/seal"
)

// CDRConfig says where call detail records go.
type CDRConfig struct {
	// Dir is the folder of the files; it is made with mode 0700 where it is
	// missing. Required.
	Dir string
	// Node is the edge's name: in each record, and in front of each file name.
	// Edges that share a folder have different ones. Required.
	Node string
	// Rotate is the age at which a file is finished. Default 1h; 0 is the default.
	Rotate time.Duration
	// Size is the octets at which a file is finished; 0: no bound.
	Size int64
	// SyncEvery is the longest time from a record's writing to its fsync, beside
	// that of the fsync before. Default 100ms; 0 is the default.
	SyncEvery time.Duration
	// RetryEvery is the pause after a write that failed. Default 1s; 0 is the
	// default.
	RetryEvery time.Duration
	// MostWaiting is how many records may wait for the disk before Full says so.
	// Default 16,384, some 30 MB; 0 is the default.
	MostWaiting int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (c CDRConfig) withDefaults() CDRConfig {
	c.Rotate = cmp.Or(c.Rotate, time.Hour)
	c.SyncEvery = cmp.Or(c.SyncEvery, 100*time.Millisecond)
	c.RetryEvery = cmp.Or(c.RetryEvery, time.Second)
	c.MostWaiting = cmp.Or(c.MostWaiting, 1<<14)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// CDRs writes call detail records to files. Its methods may be called by many
// goroutines.
type CDRs struct {
	cfg     CDRConfig
	log     *zap.Logger
	sealer  *cdrSealer
	metrics *cdrMetrics
	waiting atomic.Int64 // records that are not on the disk
	create  func(dir, node string, now time.Time) (*cdrFile, error)

	mu     sync.Mutex
	queue  []CDR
	closed bool
	wake   chan struct{}

	stopped chan struct{} // closed when the writer has ended
	failed  error         // what could not be written, then
}

// OpenCDRs finishes the files that an earlier life left, and starts the writer;
// Close ends it.
func OpenCDRs(cfg CDRConfig, key *seal.Key, log *zap.Logger, reg prometheus.Registerer) (*CDRs, error) {
	c, err := newCDRs(cfg, key, log, reg)
	if err != nil {
		return nil, fmt.Errorf("opening the records of calls: %w", err)
	}
	go newCDRWriter(c).run()
	return c, nil
}

func newCDRs(cfg CDRConfig, key *seal.Key, log *zap.Logger, reg prometheus.Registerer) (*CDRs, error) {
	c := &CDRs{
		cfg: cfg.withDefaults(), log: log, sealer: newCDRSealer(key), create: createCDR,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	var err error
	if c.metrics, err = newCDRMetrics(reg, &c.waiting); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	finished, renamed, err := recoverCDRs(cfg.Dir, cfg.Node)
	for _, name := range renamed {
		log.Warn("a file of an earlier life has the name of a finished one: what only it has got the next free name", zap.String("file", name))
	}
	if err != nil {
		return nil, err
	}
	if finished > 0 {
		log.Info("finished the files of an earlier life", zap.Int("files", finished))
	}
	return c, nil
}

// Add notes the record of a call that has ended. It never waits and never
// refuses: who asks Full before each new call keeps what waits within
// CDRConfig.MostWaiting and the calls that stood by then.
func (c *CDRs) Add(r CDR) {
	r.Node = c.cfg.Node
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		c.metrics.lost.Inc()
		return
	}
	c.queue = append(c.queue, r)
	c.mu.Unlock()
	c.waiting.Add(1)
	c.signal()
}

// Full reports whether so many records wait for the disk that no call should
// begin.
func (c *CDRs) Full() bool { return c.waiting.Load() >= int64(c.cfg.MostWaiting) }

func (c *CDRs) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (c *CDRs) take() (records []CDR, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	records, c.queue = c.queue, nil
	return records, c.closed
}

// Close writes what waits and finishes the file. Its error tells how many records
// the disk did not take.
func (c *CDRs) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	c.signal()
	<-c.stopped
	if closed {
		return nil
	}
	return c.failed
}

type cdrMetrics struct {
	records, writeErrors, lost, files prometheus.Counter
	syncs                             prometheus.Histogram
}

func newCDRMetrics(reg prometheus.Registerer, waiting *atomic.Int64) (*cdrMetrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_ledger_cdr" + name, Help: help})
	}
	m := &cdrMetrics{
		records:     counter("s_total", "Call detail records that are on the disk."),
		writeErrors: counter("_write_errors_total", "Writes of call detail records that failed, and were or will be repeated."),
		lost:        counter("s_lost_total", "Call detail records that could not be written before the end."),
		files:       counter("_files_total", "Files of call detail records that were finished."),
		syncs: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "maskline_ledger_cdr_sync_seconds", Help: "Time of an fsync of call detail records.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	var err error
	for _, c := range []prometheus.Collector{
		m.records, m.writeErrors, m.lost, m.files, m.syncs,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "maskline_ledger_cdrs_waiting", Help: "Call detail records that are not on the disk yet.",
		}, func() float64 { return float64(waiting.Load()) }),
	} {
		err = errors.Join(err, reg.Register(c))
	}
	return m, err
}
