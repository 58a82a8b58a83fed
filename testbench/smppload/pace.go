package smppload

import (
	"context"
	"time"
)

const (
	paceEvery  = 200 * time.Microsecond
	lagEvery   = time.Millisecond // where answers or messages wait for their time
	idleEvery  = 50 * time.Millisecond
	stalledFor = 30 * time.Second // without an answer to anything
	keepFor    = time.Minute      // a message may still move
)

// poke lets every sending bind send what it may.
func (b *Bench) poke() {
	if b.in == nil {
		return
	}
	b.in.each(func(l *link) {
		if !l.mu.TryLock() {
			return // its own goroutine sends when it is ready
		}
		defer l.mu.Unlock()
		l.at = b.now()
		_ = l.finish() // the reader meets the same error
	})
}

// send waits until everything was sent, at its pace.
func (b *Bench) send(ctx context.Context) {
	every := pollEvery
	if b.cfg.Rate > 0 && b.in != nil {
		every = paceEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		now := b.now()
		if b.cfg.Duration > 0 && now-b.begun >= int64(b.cfg.Duration) {
			return
		}
		if more := b.schedule.advance(now); b.in != nil && !more {
			return
		}
		if b.cfg.Rate > 0 {
			b.poke()
		}
		<-tick.C
	}
}

// watch sends late answers, cuts binds that stand still and settles messages of
// long ago.
func (b *Bench) watch() {
	type mark struct {
		at      int64
		message uint32
	}
	var marks []mark
	for last := b.now(); !b.isDone(); {
		every := idleEvery
		for _, s := range b.outs {
			if f := s.faults.Load(); f != nil {
				every = lagEvery
				s.each(func(l *link) { l.lateAnswers(b.now()) })
			}
		}
		if b.cfg.Again > 0 {
			every = lagEvery
			b.poke()
		}
		b.pause(every)
		now := b.now()
		if now-last < int64(time.Second) {
			continue
		}
		last = now
		b.cutStalled(now)
		marks = append(marks, mark{now, b.sentSegments()})
		for len(marks) > 0 && now-marks[0].at > int64(keepFor) {
			b.book.settle(marks[0].message, false, b.judging())
			marks = marks[1:]
		}
	}
}

// cutStalled ends sending binds whose peer has fallen silent.
func (b *Bench) cutStalled(now int64) {
	if b.in == nil {
		return
	}
	b.in.each(func(l *link) {
		if l.waiting.Load() && now-l.lastRead.Load() > int64(stalledFor) {
			_ = l.conn.Close()
		}
	})
}
