package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"maskline/numberdb"
)

const (
	proofPause = time.Second // between questions for a sign of life
	// First pause until the server is asked how far it is, while an own write is
	// not told yet: mostly the stream is faster.
	askSoon = 500 * time.Microsecond
	askMost = 50 * time.Millisecond
)

var (
	errSilent = errors.New("the server is silent")
	errEnded  = errors.New("the server ended the stream")
)

// stream is the replication stream of one Follow: run reads, answer writes.
type stream struct {
	feed   *logical
	conn   *pgconn.PgConn
	apply  func(numberdb.Batch)
	decode *pgoutput
	opener *numberdb.Opener
	stored numberdb.Stored

	batch    numberdb.Batch    // not told yet
	changes  []numberdb.Change // of batch
	reached  []numberdb.Position
	pending  bool              // batch tells something
	position numberdb.Position // told
	sent     time.Time         // of the message under way, by the server's clock

	applied atomic.Uint64 // position as an LSN
	wake    chan struct{} // an own write
	asked   chan struct{} // the server wants an answer
	slots   atomic.Pointer[numberdb.Slots]
}

func newStream(f *logical, apply func(numberdb.Batch)) *stream {
	s := &stream{
		feed: f, conn: f.conn, apply: apply, opener: f.store.vault.Opener(), position: f.start,
		changes: make([]numberdb.Change, 0, batchRows), asked: make(chan struct{}, 1),
	}
	s.decode = newPgoutput(f.facts.layout, s)
	s.batch.Position = f.start
	s.applied.Store(uint64(f.start & rawMask))
	return s
}

// run reads until ctx ends or the stream does.
func (s *stream) run(ctx context.Context) error {
	s.wake = s.feed.store.addFollower()
	defer s.feed.store.removeFollower(s.wake)
	ctx, cancel := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel(nil)
	group.Go(func() { cancel(s.answer(ctx)) })
	group.Go(func() { cancel(s.watch(ctx)) })
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Conn().SetReadDeadline(time.Unix(1, 0)) }) // wakes the reader
	defer stop()
	for {
		if err := s.next(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
	}
}

// next takes one message of the server.
func (s *stream) next(ctx context.Context) error {
	front := s.conn.Frontend()
	if front.ReadBufferLen() == 0 {
		if !s.decode.inside { // else the rest of the transaction is on its way
			s.tell()
		}
		if err := s.conn.Conn().SetReadDeadline(time.Now().Add(s.feed.store.cfg.Query)); err != nil {
			return fmt.Errorf("bounding the wait: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	message, err := front.Receive()
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return errSilent
		}
		return fmt.Errorf("receiving: %w", err)
	}
	switch message := message.(type) {
	case *pgproto3.CopyData:
		return s.frame(message.Data)
	case *pgproto3.ErrorResponse:
		return pgconn.ErrorResponseToPgError(message)
	case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus:
		return nil
	default:
		return errEnded
	}
}

// frame takes a part of the stream or a sign of life.
// PostgreSQL documentation, chapter 55.4.
func (s *stream) frame(data []byte) error {
	in := fields{data: data}
	switch in.byte() {
	case 'w':
		in.skip(8 + 8) // where it starts, where the server is
		s.sent = fromPostgres(int64(in.uint64()))
		if in.failed {
			return malformed("a frame")
		}
		return s.decode.message(in.data)
	case 'k':
		end := numberdb.Position(in.uint64())
		in.skip(8)
		answer := in.byte()
		if err := in.end(); err != nil {
			return err
		}
		s.alive(end)
		if answer != 0 {
			s.ask()
		}
		return nil
	default:
		return malformed("an unknown frame")
	}
}

// alive takes a sign of life: everything up to end was sent.
func (s *stream) alive(end numberdb.Position) {
	if s.decode.inside {
		return
	}
	s.batch.Position = max(s.batch.Position, s.feed.era|end)
	s.batch.Delay = 0
	s.pending = true
}

func (s *stream) ask() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// --- changes

func (s *stream) put(values [][]byte) {
	err := readRow(values, s.opener, &s.stored)
	var b numberdb.Binding
	if err == nil {
		b, err = s.opener.Open(&s.stored)
	}
	if err != nil {
		s.batch.Refused++
		if mask, party, err := readKey(values); err == nil {
			s.remove(rowKey{mask, party})
		}
		return
	}
	s.change(numberdb.Change{Binding: b})
}

func (s *stream) remove(key rowKey) {
	k, err := s.opener.Key(key.mask, &key.party)
	if err != nil {
		return // a key that no row of the table can have
	}
	s.change(numberdb.Change{Binding: numberdb.Binding{Mask: k.Mask, Party: k.Party}, Deleted: true})
}

func (s *stream) change(c numberdb.Change) {
	s.pending = true
	if s.changes = append(s.changes, c); len(s.changes) == batchRows {
		s.tell()
	}
}

func (s *stream) commit(xid uint32, end numberdb.Position, at time.Time) {
	s.batch.Position = max(s.batch.Position, s.feed.era|end)
	if given := s.feed.store.own.tell(xid, s.feed.era|end); given != 0 {
		s.reached = append(s.reached, given)
	}
	s.batch.Delay = max(0, s.sent.Sub(at))
	s.pending = true
}

// tell hands on what has come. Changes of a transaction that is still being
// sent are committed already; the position stays below them.
func (s *stream) tell() {
	if !s.pending {
		return
	}
	s.batch.Changes, s.batch.Reached = s.changes, s.reached
	if slots := s.slots.Swap(nil); slots != nil {
		s.batch.Slots = *slots
	}
	s.apply(s.batch)
	s.position = s.batch.Position
	s.applied.Store(uint64(s.position & rawMask))
	s.feed.store.own.passed(s.position)
	s.changes, s.reached, s.pending = s.changes[:0], s.reached[:0], false
	s.batch = numberdb.Batch{Position: s.position, Delay: s.batch.Delay}
}

// --- answers

// answer tells the server how far the table is, each second and whenever it
// wants to know, and asks how far the server is while an own write is not told.
func (s *stream) answer(ctx context.Context) error {
	proof := time.NewTicker(proofPause)
	defer proof.Stop()
	soon := time.NewTimer(time.Hour)
	defer soon.Stop()
	pause := askSoon
	for {
		question := true
		select {
		case <-ctx.Done():
			return nil
		case <-proof.C:
		case <-s.asked:
			question = false
		case <-s.wake:
			pause = askSoon
			soon.Reset(pause)
			continue
		case <-soon.C:
			store := s.feed.store
			if !store.own.waits() && s.feed.era|numberdb.Position(s.applied.Load()) >= store.lastWritten() {
				continue
			}
			pause = min(2*pause, askMost)
			soon.Reset(pause)
		}
		if err := s.send(ctx, question); err != nil {
			return err
		}
	}
}

// send tells how far the table is.
func (s *stream) send(ctx context.Context, question bool) error {
	if err := s.conn.Conn().SetWriteDeadline(time.Now().Add(s.feed.store.cfg.Query)); err != nil {
		return fmt.Errorf("bounding the answer: %w", err)
	}
	at := pglogrepl.LSN(s.applied.Load())
	if err := pglogrepl.SendStandbyStatusUpdate(ctx, s.conn,
		pglogrepl.StandbyStatusUpdate{WALWritePosition: at, ReplyRequested: question}); err != nil {
		return fmt.Errorf("answering the server: %w", err)
	}
	return nil
}
