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
		s := newSimulation(t, 1)
		s.edge.cfg.Auth.Delay = -1
		open := &simPeer{name: "shop", session: s.edge.newSession(deadConn{}, nil)}
		dialled := &simPeer{name: "alfa", session: s.edge.newSession(deadConn{}, s.edge.carriers["alfa"].dialers[0])}
		s.submit(s.peers[0]) // so that a response may find something
		sessions := []*simPeer{open, dialled, s.peers[0], s.peers[2]}
		for _, p := range sessions {
			r := pdu.NewReader(bytes.NewReader(stream), pdu.MaxBound, 512)
			for {
				frame, err := r.Next()
				if err != nil {
					break
				}
				if frame != nil {
					p.handle(s.turn, frame)
					continue
				}
				if _, err := r.Fill(); err != nil {
					break
				}
			}
			p.cut("the end")
			p.teardown(s.turn)
		}
		s.now = s.now.Add(s.edge.cfg.AnswerWithin)
		s.turn.begin()
		s.sweep()
		for _, p := range sessions {
			if p.unanswered != 0 {
				t.Fatalf("%d of %s are not answered", p.unanswered, p.name)
			}
		}
	})
}
