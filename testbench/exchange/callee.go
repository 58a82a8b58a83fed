package exchange

import (
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// onInvite rings and answers, or refuses, as the mode says.
func (x *Exchange) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	started := time.Now()
	dialog, err := x.dialog.ReadInvite(req, tx)
	if err != nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusBadRequest, "Bad Request", nil))
		return
	}
	defer func() { _ = dialog.Close() }()
	call := &Call{Dialled: req.Recipient.User, Peer: req.From().Address.User}
	if x.cfg.Called != nil {
		x.cfg.Called(*call)
	}
	switch x.modeFor(call.Dialled) {
	case Busy:
		_ = dialog.Respond(sip.StatusBusyHere, "Busy Here", nil)
		return
	case Unavailable:
		_ = dialog.Respond(sip.StatusServiceUnavailable, "Service Unavailable", nil)
		return
	case Declined:
		_ = dialog.Respond(sip.StatusGlobalDecline, "Decline", nil)
		return
	case Unknown:
		_ = dialog.Respond(sip.StatusNotFound, "Not Found", nil)
		return
	case NoAnswer:
		_ = dialog.Respond(sip.StatusRinging, "Ringing", nil)
		select {
		case <-time.After(longestCall):
		case <-tx.Done():
		}
		return
	case Silent:
		if x.cfg.Decide != nil {
			return
		}
	case Answer:
	}
	remote, err := remoteVoice(req.Body())
	if err != nil {
		_ = dialog.Respond(sip.StatusNotAcceptableHere, "Not Acceptable Here", nil)
		return
	}
	if dialog.Respond(sip.StatusRinging, "Ringing", nil) != nil {
		return
	}
	select {
	case <-time.After(x.ring):
	case <-tx.Done():
		return // cancelled
	}
	stream, err := x.voices.Open(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		_ = dialog.Respond(sip.StatusInternalServerError, "Server Error", nil)
		return
	}
	s := &session{call: call, stream: stream, answering: dialog, ended: make(chan struct{})}
	x.mu.Lock()
	x.talking[req.CallID().Value()] = s
	if x.cfg.Called == nil {
		x.answers = append(x.answers, call)
	}
	call.Answered, call.Setup = true, time.Since(started)
	x.mu.Unlock()
	stream.Start(remote)
	if dialog.RespondSDP(offer(stream.Local())) != nil {
		x.forget(req.CallID().Value())
		x.hangUp(s)
		return
	}
	select {
	case <-s.ended:
	case <-time.After(longestCall): // the edge has forgotten it
		x.forget(req.CallID().Value())
		x.hangUp(s)
	}
}

// longestCall ends calls whose other end does not tell.
const longestCall = time.Minute

// onAck ends the repetition of our 200.
func (x *Exchange) onAck(req *sip.Request, tx sip.ServerTransaction) {
	x.mu.Lock()
	s := x.talking[req.CallID().Value()]
	x.mu.Unlock()
	if s != nil && s.answering != nil {
		_ = s.answering.ReadAck(req, tx)
	}
}

func (x *Exchange) onBye(req *sip.Request, tx sip.ServerTransaction) {
	s := x.forget(req.CallID().Value())
	if s == nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusCallTransactionDoesNotExists, "No such call", nil))
		return
	}
	_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil))
	x.hangUp(s)
	s.end()
}
