package rtpload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// Engine is a running rtpengine that is told of calls by its ng protocol.
type Engine struct {
	// Flags of each offer and answer, as "strict source".
	Flags []string

	conn  *net.UDPConn
	asked int
	calls int
	run   uint64 // tells these calls from others
}

// NewEngine is one that listens at an address.
func NewEngine(at netip.AddrPort) (*Engine, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("opening a socket for ng: %w", err)
	}
	return &Engine{conn: conn, run: rand.Uint64()}, nil
}

// Close closes the socket; calls that stand stay.
func (e *Engine) Close() error { return e.conn.Close() }

// Ping waits until the engine answers.
func (e *Engine) Ping(ctx context.Context) error {
	_, err := e.ask(ctx, "pong", "command", "ping")
	return err
}

// Connect implements [Relay] by an offer and its answer.
func (e *Engine) Connect(ctx context.Context, a, b netip.AddrPort) (ends Ends, err error) {
	e.calls++
	id := e.id()
	offer, err := e.ask(ctx, "ok", "call-id", id, "command", "offer", "from-tag", "a", "sdp", string(describe(a)))
	if err != nil {
		return ends, err
	}
	answer, err := e.ask(ctx, "ok", "call-id", id, "command", "answer", "from-tag", "a", "sdp", string(describe(b)), "to-tag", "b")
	if err != nil {
		return ends, err
	}
	if ends.B, err = voice([]byte(offer["sdp"])); err != nil {
		return ends, err
	}
	ends.A, err = voice([]byte(answer["sdp"]))
	return ends, err
}

// HangUp deletes all calls.
func (e *Engine) HangUp(ctx context.Context) error {
	for ; e.calls > 0; e.calls-- {
		if _, err := e.ask(ctx, "ok", "call-id", e.id(), "command", "delete", "from-tag", "a", "delete-delay", "0"); err != nil {
			return fmt.Errorf("hanging up: %w", err)
		}
	}
	return nil
}

func (e *Engine) id() string { return fmt.Sprintf("load-%x-%d", e.run, e.calls) }

// ask sends a command until it is answered.
func (e *Engine) ask(ctx context.Context, want string, pairs ...string) (map[string]string, error) {
	e.asked++
	cookie := fmt.Appendf(nil, "%x-%d ", e.run, e.asked) // a known one would be answered as before
	request := appendDictionary(bytes.Clone(cookie), e.Flags, pairs...)
	reply := make([]byte, 65535)
	for end := time.Now().Add(giveUpAfter); time.Now().Before(end) && ctx.Err() == nil; {
		_, _ = e.conn.Write(request) // refused while the engine starts
		n, err := e.await(reply, cookie)
		if err != nil {
			if err := wait(ctx, 10*time.Millisecond); err != nil {
				return nil, err
			}
			continue
		}
		found, err := texts(reply[len(cookie):n])
		if err != nil {
			return nil, fmt.Errorf("reading rtpengine's answer: %w", err)
		}
		if found["result"] != want {
			return nil, fmt.Errorf("rtpengine answered %q: %s", found["result"], found["error-reason"])
		}
		return found, nil
	}
	return nil, errors.Join(errors.New("rtpengine does not answer"), ctx.Err())
}

// await reads the answer with the cookie.
func (e *Engine) await(b, cookie []byte) (int, error) {
	if err := e.conn.SetReadDeadline(time.Now().Add(repeatAfter)); err != nil {
		return 0, err
	}
	for {
		n, err := e.conn.Read(b)
		if err != nil {
			return 0, err
		}
		if bytes.HasPrefix(b[:n], cookie) {
			return n, nil
		}
	}
}
