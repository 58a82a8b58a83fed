package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/seal"
)

// Config of a ledger.
type Config struct {
	// Dir is the data directory; it is made with mode 0700 where it is missing.
	Dir string
	// SentFor is how long a submission is kept for its receipt. Default 72h; 0
	// is the default.
	SentFor time.Duration
	// SentMax bounds the notes of submissions that are kept, the oldest go
	// first. Default 2,000,000; 0 is the default.
	SentMax int
	// SentBuffer bounds the octets of submissions that wait to be written; what
	// exceeds it is dropped and counted. Default 32 MiB, some 300,000
	// submissions; 0 is the default.
	SentBuffer int
	// FlushEvery is how often submissions are written. Default 250ms; 0 is the
	// default.
	FlushEvery time.Duration
	// HeldFor is how long a receipt waits for its originator. Default 24h; 0 is
	// the default.
	HeldFor time.Duration
	// HoldQueue bounds the receipts that wait for the disk; beyond it Hold
	// refuses with ErrBusy. Default 65,536; 0 is the default.
	HoldQueue int
	// Now is the clock of retention; nil is time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.SentFor = cmp.Or(c.SentFor, 72*time.Hour)
	c.SentMax = cmp.Or(c.SentMax, 2_000_000)
	c.SentBuffer = cmp.Or(c.SentBuffer, 32<<20)
	c.FlushEvery = cmp.Or(c.FlushEvery, 250*time.Millisecond)
	c.HeldFor = cmp.Or(c.HeldFor, 24*time.Hour)
	c.HoldQueue = cmp.Or(c.HoldQueue, 1<<16)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// What Hold reports, besides faults of the disk.
var (
	ErrBusy   = errors.New("too many receipts wait for the disk")
	ErrClosed = errors.New("the ledger is closed")
)

// Ledger is an open ledger. Its methods may be called by many goroutines.
type Ledger struct {
	cfg     Config
	log     *zap.Logger
	metrics *metrics
	sentBox *seal.Box
	heldBox *seal.Box
	db      *sql.DB
	writer  writer
	stopped chan struct{} // closed when the writer has ended

	mu     sync.Mutex
	closed bool
	sent   chunks // to be written behind
	holds  []op   // to be written at once, in order
	wake   chan struct{}
}

// op is a receipt to be held, or the end of one.
type op struct {
	id     uint64
	at     int64       // microseconds
	sealed []byte      // nil: forget
	done   func(error) // of a hold
}

// Open opens the ledger and starts its writer; Close ends it.
func Open(ctx context.Context, cfg Config, key *seal.Key, log *zap.Logger, reg prometheus.Registerer) (*Ledger, error) {
	l := &Ledger{
		cfg: cfg.withDefaults(), log: log,
		sentBox: key.Box("ledger sent"), heldBox: key.Box("ledger held"),
		stopped: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	if err := l.open(ctx, key, reg); err != nil {
		if l.db != nil {
			err = errors.Join(err, l.db.Close())
		}
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	go l.run() //nolint:contextcheck // the writer outlives this call; Close ends it
	return l, nil
}

func (l *Ledger) open(ctx context.Context, key *seal.Key, reg prometheus.Registerer) (err error) {
	if l.db, err = openFile(ctx, l.cfg.Dir); err != nil {
		return err
	}
	if err := prepareFile(ctx, l.db, key); err != nil {
		return err
	}
	if err := l.writer.prepare(ctx, l); err != nil {
		return err
	}
	if err := l.register(reg); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return l.expire(ctx)
}

// Sent notes a submission, to be written within Config.FlushEvery. It never
// waits; one that finds the buffer full is dropped and counted.
func (l *Ledger) Sent(s Submission) {
	l.mu.Lock()
	ok := !l.closed && l.sent.octets < l.cfg.SentBuffer && s.fits()
	if ok {
		l.sent.add(&s)
	}
	l.mu.Unlock()
	if ok {
		l.metrics.sent.Inc()
	} else {
		l.metrics.dropped.Inc()
	}
}

// Hold makes a receipt durable. done is called once: with nil when it is on the
// disk, by the ledger's own goroutine, which it must not keep; with the reason
// when it is not, perhaps before Hold returns. A receipt held before under the
// same ID is replaced.
func (l *Ledger) Hold(r HeldReceipt, done func(error)) {
	if !r.fits() {
		l.metrics.holdFailures.Inc()
		done(fmt.Errorf("holding a receipt: %w", ErrTooLong))
		return
	}
	if r.Held.IsZero() {
		r.Held = l.cfg.Now()
	}
	plain := appendReceipt(make([]byte, 0, 128), &r)
	hold := op{
		id: r.ID, at: r.Held.UnixMicro(), done: done,
		sealed: l.heldBox.Seal(make([]byte, 0, len(plain)+seal.Overhead), plain, place(r.ID)),
	}
	if err := l.enqueue(hold); err != nil {
		l.metrics.holdFailures.Inc()
		done(fmt.Errorf("holding a receipt: %w", err))
	}
}

// enqueue hands a hold to the writer.
func (l *Ledger) enqueue(hold op) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case len(l.holds) >= l.cfg.HoldQueue:
		return ErrBusy
	}
	l.holds = append(l.holds, hold)
	l.signal()
	return nil
}

// Forget deletes held receipts that were delivered or have expired. It never
// waits; a crash may bring the latest ones back.
func (l *Ledger) Forget(ids ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	// There cannot be more of them than receipts held.
	for _, id := range ids {
		l.holds = append(l.holds, op{id: id})
	}
	l.signal()
}

func (l *Ledger) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close writes what is noted and closes the file.
func (l *Ledger) Close() error {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.signal()
	l.mu.Unlock()
	<-l.stopped
	if closed {
		return nil
	}
	err := errors.Join(l.writer.close(), l.db.Close())
	if l.writer.lost > 0 {
		err = errors.Join(err, fmt.Errorf("%d submissions could not be written", l.writer.lost))
	}
	if err != nil {
		return fmt.Errorf("closing the ledger: %w", err)
	}
	return nil
}

// place binds what is sealed to its row.
func place(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }
