package smpp

import (
	"bytes"
	"testing"

	"maskline/smpp/pdu"
)

// FuzzSession feeds a stream of octets to sessions in every state: not bound,
// an account's, a bind of ours. Nothing may panic, nothing may wait for an
// answer that is not owed, and every request taken on is answered in the end.
func FuzzSession(f *testing.F) {
	message, _ := text(alice, maskOfBob, "hello").Append(nil, pdu.SubmitSM, 1)
	deliver, _ := receipt("1", pdu.Delivered).Append(nil, pdu.DeliverSM, 2)
	data, _ := (&pdu.Data{TLVs: pdu.AppendTLV(nil, pdu.TagMessagePayload, bytes.Repeat([]byte("x"), 60_000))}).Append(nil, 3)
	bind, _ := (&pdu.Bind{SystemID: []byte("shop"), Password: []byte("sesame"), InterfaceVersion: pdu.Version34}).Append(nil, pdu.BindTransceiver, 1)
	f.Add(message)
	f.Add(append(bytes.Clone(bind), message...))
	f.Add(append(bytes.Clone(message), deliver...))
	f.Add(data)
	f.Add(pdu.AppendMessageResp(nil, pdu.SubmitSM, pdu.ROK, 1, []byte("1")))
	f.Add(append(pdu.AppendHeader(nil, pdu.GenericNack, pdu.ROK, 1), pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, 2)...))
	f.Add(raw(0xFFFFFFFF, pdu.SubmitSM, 1, nil))
	f.Fuzz(func(t *testing.T, stream []byte) {
		w := plainWorld()
		w.cfg.Auth.Delay, w.edge.cfg.Auth.Delay = -1, -1
		w.send("m1") // so that a response may find something
		w.pump()
		sessions := []*session{
			w.edge.newSession(&simConn{failAt: -1, left: func(frame) {}}, nil),
			w.edge.newSession(&simConn{failAt: -1, left: func(frame) {}}, w.edge.carriers["alfa"].dialers[0]),
			w.peers[0].session, w.peers[2].session,
		}
		for _, s := range sessions {
			conn := s.conn.(*simConn)
			conn.left = func(frame) {} // it answers what nobody here has asked
			conn.in = stream
			for len(conn.in) > 0 && !conn.closed {
				if _, err := s.reader.Fill(); err != nil || !s.received(w.turn) {
					break
				}
			}
			s.cut("the end")
			s.end(w.turn)
		}
		w.now = w.now.Add(w.edge.cfg.AnswerWithin)
		w.turn.begin()
		w.edge.sweepAll(w.turn, sessions)
		for i, s := range sessions {
			if s.unanswered != 0 {
				t.Fatalf("%d of session %d are not answered", s.unanswered, i)
			}
		}
	})
}
