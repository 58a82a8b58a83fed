package ledger

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// mostBatch bounds the octets of one write.
const mostBatch = 1 << 20

// cdrWriter is what the writer's goroutine uses. It writes at once what comes, so
// that a killed process loses no more than what is between Add and the next
// write; the syncer makes it durable meanwhile, one file at a time.
type cdrWriter struct {
	*CDRs
	file  *cdrFile // nil: none is open
	todo  [][]byte // lines to be written
	fresh [][]byte // written to file, and not given to the syncer
	// The syncer's work, while busy.
	busy bool
	jobs chan cdrSync
	done chan cdrResult
	sent cdrSync

	retryAt    time.Time
	complained time.Time
}

// cdrSync asks for an fsync of a file, and for its end.
type cdrSync struct {
	file   *cdrFile
	upTo   int64
	lines  [][]byte // that it makes durable
	finish bool
}

// cdrResult is what became of it.
type cdrResult struct{ sync, finish error }

func newCDRWriter(c *CDRs) *cdrWriter {
	return &cdrWriter{CDRs: c, jobs: make(chan cdrSync), done: make(chan cdrResult, 1)}
}

// run writes until Close.
func (w *cdrWriter) run() {
	defer close(w.stopped)
	go w.syncer()
	defer close(w.jobs)
	tick := time.NewTicker(w.cfg.SyncEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.wake:
			records, closed := w.take()
			w.encode(records)
			w.write()
			if closed {
				w.end()
				return
			}
		case r := <-w.done:
			w.synced(r)
			w.write()
		case <-tick.C:
			w.write()
			w.sync(false)
		}
	}
}

// syncer waits for the disk.
func (w *cdrWriter) syncer() {
	for job := range w.jobs {
		started := time.Now()
		r := cdrResult{sync: job.file.sync(job.upTo, job.finish)}
		w.metrics.syncs.Observe(time.Since(started).Seconds())
		if r.sync == nil && job.finish {
			r.finish = job.file.finish()
		}
		w.done <- r
	}
}

func (w *cdrWriter) encode(records []CDR) {
	for i := range records {
		w.todo = append(w.todo, w.sealer.line(&records[i]))
	}
}

// write writes what there is. Where that fails it waits for the next time.
func (w *cdrWriter) write() {
	now := w.cfg.Now()
	if len(w.todo) == 0 || now.Before(w.retryAt) {
		return
	}
	if err := w.writeAll(now); err != nil {
		w.retryAt = now.Add(w.cfg.RetryEvery)
		w.complain(err)
	}
}

func (w *cdrWriter) writeAll(now time.Time) (err error) {
	for len(w.todo) > 0 {
		w.rotate(now)
		if w.file == nil {
			if w.file, err = w.create(w.cfg.Dir, w.cfg.Node, now); err != nil {
				return err
			}
		}
		batch, count := joinLines(w.todo)
		if err := w.file.write(batch); err != nil {
			return err
		}
		w.fresh = append(w.fresh, w.todo[:count]...)
		w.todo = w.todo[count:]
	}
	w.todo = nil
	return nil
}

// joinLines is the first lines as one write.
func joinLines(lines [][]byte) (batch []byte, count int) {
	if len(lines) == 1 {
		return lines[0], 1
	}
	for _, line := range lines {
		if count > 0 && len(batch)+len(line) > mostBatch {
			break
		}
		batch = append(batch, line...)
		count++
	}
	return batch, count
}

// rotate hands a file that is old or long enough to the syncer for its end. While
// that is busy the file goes on.
func (w *cdrWriter) rotate(now time.Time) {
	if w.file != nil && (now.Sub(w.file.opened) >= w.cfg.Rotate || w.cfg.Size > 0 && w.file.written >= w.cfg.Size) {
		w.sync(true)
	}
}

// sync gives the syncer what it has not had yet.
func (w *cdrWriter) sync(finish bool) {
	if w.file == nil || w.busy {
		return
	}
	finish = finish || w.cfg.Now().Sub(w.file.opened) >= w.cfg.Rotate
	if len(w.fresh) == 0 && !finish {
		return
	}
	w.sent = cdrSync{file: w.file, upTo: w.file.written, lines: w.fresh, finish: finish}
	w.fresh, w.busy = nil, true
	if finish {
		w.file = nil
	}
	w.jobs <- w.sent
}

// synced takes the syncer's result. What a failed fsync was about may be on the
// disk or not, whatever a second one says: it is written again, to another file.
func (w *cdrWriter) synced(r cdrResult) {
	sent := w.sent
	w.sent, w.busy = cdrSync{}, false
	if r.sync == nil {
		w.waiting.Add(-int64(len(sent.lines)))
		w.metrics.records.Add(float64(len(sent.lines)))
		if r.finish != nil {
			w.complain(r.finish) // the next start finishes it
		} else if sent.finish {
			w.metrics.files.Inc()
		}
		return
	}
	again := sent.lines
	if w.file == sent.file { // what came since is in it too
		again, w.file, w.fresh = append(again, w.fresh...), nil, nil
	}
	w.todo = append(again, w.todo...)
	w.retryAt = w.cfg.Now().Add(w.cfg.RetryEvery)
	w.complain(errors.Join(r.sync, sent.file.abandon()))
}

// complain counts a fault of the disk and logs it, once a minute.
func (w *cdrWriter) complain(err error) {
	w.metrics.writeErrors.Inc()
	if now := w.cfg.Now(); now.Sub(w.complained) >= complainAt {
		w.complained = now
		w.log.Error("records of calls cannot be written; they wait in memory", zap.Int64("waiting", w.waiting.Load()), zap.Error(err))
	}
}

// end writes what is left and finishes the file; what the disk does not take now
// is lost.
func (w *cdrWriter) end() {
	for range 2 { // once more where the first fsync fails
		if w.busy {
			w.synced(<-w.done)
		}
		w.retryAt = time.Time{}
		w.write()
		w.sync(true)
	}
	if w.busy {
		w.synced(<-w.done)
	}
	lost := len(w.todo) + len(w.fresh)
	if lost > 0 {
		w.metrics.lost.Add(float64(lost))
		w.failed = fmt.Errorf("%d records of calls could not be written", lost)
	}
}
