package smppload

import (
	"time"

	"maskline/smpp/pdu"
)

// fault answers a message as the faults decide.
func (l *link) fault(f *Faults, h pdu.Header, m *pdu.Message, r *record, segment uint32) {
	dice := l.random.Float64()
	hit := func(share float64) bool {
		dice -= share
		return dice < 0
	}
	switch {
	case hit(f.Throttle):
		l.count.throttled++
		l.out = pdu.AppendMessageResp(l.out, h.Command, pdu.RThrottled, h.Sequence, nil)
	case hit(f.Errors):
		l.count.erred++
		l.out = pdu.AppendMessageResp(l.out, h.Command, f.status(), h.Sequence, nil)
	case hit(f.Silence):
		l.swallow(r)
	case hit(f.Delay):
		l.count.delayed++
		l.sink.late = append(l.sink.late, lateAnswer{
			due: l.at + int64(f.delayBy()), command: h.Command, sequence: h.Sequence, id: l.take(r),
		})
	case hit(f.Reset):
		l.swallow(r)
		l.count.cuts++
		l.reset()
	case hit(f.Close):
		l.swallow(r)
		l.count.cuts++
		l.cut = errCut
	case hit(f.Stall):
		l.count.stalls++
		l.accept(h, m, r, segment)
		l.stallTill = l.at + int64(f.stallFor())
	default:
		l.accept(h, m, r, segment)
	}
}

// swallow notes a message that we took and do not answer.
func (l *link) swallow(r *record) {
	l.count.swallowed++
	if r != nil {
		r.state.Add(swallowedOne)
		l.stamp(r)
	}
}

// lateAnswers writes the answers that are due.
func (l *link) lateAnswers(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.sink.late {
		if a.due > now {
			break
		}
		l.out = l.appendAccepted(l.out, a.command, a.sequence, a.id)
		n++
	}
	if n > 0 {
		l.sink.late = append(l.sink.late[:0], l.sink.late[n:]...)
		_ = l.flush() // the reader meets the same error
	}
}

func (f *Faults) status() pdu.Status {
	if f.ErrorStatus == 0 {
		return pdu.RSysErr
	}
	return pdu.Status(f.ErrorStatus)
}

func (f *Faults) delayBy() time.Duration {
	if f.DelayBy == 0 {
		return 500 * time.Millisecond
	}
	return f.DelayBy
}

func (f *Faults) stallFor() time.Duration {
	if f.StallFor == 0 {
		return 3 * time.Second
	}
	return f.StallFor
}
