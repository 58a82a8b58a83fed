package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// firstWord is how much longer a caller stays who has heard nothing: on a
// machine that has other work, packets may take that long.
const firstWord = 3 * time.Second

// talk reports whether the other side hung up.
func (s *session) talk(ctx context.Context, d time.Duration) (hungUp bool) {
	end := time.After(d)
	giveUp := time.After(d + firstWord)
	for {
		select {
		case <-end:
			if s.stream.Report().Received > 0 {
				return false
			}
			end = time.After(10 * time.Millisecond)
		case <-giveUp:
			return false
		case <-s.ended:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// Call lets a phone with the number from dial to through the edge, talk for a
// while, at least until it has heard something, and hang up. A call that is refused is no error: its code is told.
func (x *Exchange) Call(ctx context.Context, edge netip.AddrPort, from, to string, talk time.Duration) (Call, error) {
	call := Call{Peer: to, Dialled: to}
	stream, err := x.voices.Open(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		return call, fmt.Errorf("calling: %w", err)
	}
	defer stream.Close()
	started := time.Now()
	own := x.Addr()
	fromURI := sip.Uri{Scheme: "sip", User: from, Host: own.Addr().String(), Port: int(own.Port())}
	fromHeader := &sip.FromHeader{Address: fromURI, Params: sip.NewParams()}
	fromHeader.Params.Add("tag", sip.GenerateTagN(12))
	recipient := sip.Uri{Scheme: "sip", User: to, Host: edge.Addr().String(), Port: int(edge.Port())}
	dialog, err := x.dialog.Invite(ctx, recipient, offer(stream.Local()), fromHeader, sip.NewHeader("Content-Type", "application/sdp"))
	if err != nil {
		return call, fmt.Errorf("calling: %w", err)
	}
	defer func() { _ = dialog.Close() }()
	err = dialog.WaitAnswer(ctx, sipgo.AnswerOptions{})
	call.Setup = time.Since(started)
	var refused *sipgo.ErrDialogResponse
	if errors.As(err, &refused) {
		call.Code = refused.Res.StatusCode
		return call, nil
	}
	if err != nil {
		return call, fmt.Errorf("calling: %w", err)
	}
	if err := dialog.Ack(ctx); err != nil {
		return call, fmt.Errorf("calling: %w", err)
	}
	remote, err := remoteVoice(dialog.InviteResponse.Body())
	if err != nil {
		return call, fmt.Errorf("calling: %w", err)
	}
	call.Answered = true
	s := &session{call: &call, stream: stream, ended: make(chan struct{})}
	callID := dialog.InviteRequest.CallID().Value()
	x.remember(callID, s)
	defer x.forget(callID)
	stream.Start(remote)
	hungUp := s.talk(ctx, talk)
	x.hangUp(s)
	if hungUp {
		return call, nil
	}
	byeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := dialog.Bye(byeCtx); err != nil {
		return call, fmt.Errorf("hanging up: %w", err)
	}
	return call, nil
}

func splitLines(b []byte) []string {
	return strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
}
