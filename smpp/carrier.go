package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// carrier is a company that we exchange messages with: binds of ours to its
// SMSCs, or only accounts with which it binds to us.
type carrier struct {
	cfg         CarrierConfig
	peer        *peer
	origin      routing.Origin
	destination *destination
	joiner      *joiner
	dialers     []*dialer
}

// servedByAccounts reports whether messages to the carrier go to the binds of
// its own accounts.
func (c *carrier) servedByAccounts() bool { return len(c.cfg.Binds) == 0 }

// dialer keeps one bind of ours up.
type dialer struct {
	edge    *Edge
	carrier *carrier
	index   int // of bind, among the carrier's
	bind    *BindConfig
	login   atomic.Pointer[login]
	stats   *bindStats

	mu      sync.Mutex
	session *session // nil between two
	since   time.Time
	reason  string // why the last one ended
}

// login is how the next bind is made; a reload replaces it.
type login struct {
	request *pdu.Bind
	tls     *tls.Config // nil: plain TCP
}

func (b *BindConfig) login() (*login, error) {
	secured, err := b.TLS.load(b.Addr)
	if err != nil {
		return nil, err
	}
	return &login{request: b.request(), tls: secured}, nil
}

// run binds again and again until ctx ends.
func (d *dialer) run(ctx context.Context) {
	if d.bind.Outbind.Enabled {
		return // the SMSC comes to us
	}
	pause := d.bind.Reconnect.Min
	redials := newRedials(d.bind.Reconnect.PerMinute)
	for ctx.Err() == nil {
		if !sleep(ctx, redials.wait(d.edge.clock())) {
			return
		}
		redials.made(d.edge.clock())
		d.stats.attempts.Add(1)
		bound, why := d.once(ctx)
		d.ended(why)
		if ctx.Err() != nil {
			return
		}
		// A bind that stood starts again from the shortest pause; one that fell
		// at once is no better than one that failed.
		if bound >= d.bind.Reconnect.Max {
			pause = d.bind.Reconnect.Min
		}
		d.edge.log.Warn("bind down", zap.String("peer", d.carrier.peer.name), zap.String("addr", d.bind.Addr),
			zap.String("reason", why), zap.Duration("stood", bound))
		if !sleep(ctx, jitter(pause)) {
			return
		}
		pause = min(2*pause, d.bind.Reconnect.Max)
	}
}

// jitter shortens a pause by chance, by up to a half, so that binds that fell
// together do not return together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/2+1))
}

// once connects, binds and serves until the connection ends. It returns how
// long the bind stood and why it ended.
func (d *dialer) once(ctx context.Context) (stood time.Duration, why string) {
	e := d.edge
	conn, err := d.connect(ctx, d.login.Load().tls)
	if err != nil {
		return 0, err.Error()
	}
	s := d.open(conn)
	defer e.remove(s)
	if ctx.Err() != nil {
		s.cut("the edge stops") // drain may have looked before it was added
	}
	s.serve()
	if s.terms != nil {
		stood = e.clock().Sub(s.since)
	}
	return stood, s.reason
}

// open makes the session of a connection and asks to bind.
func (d *dialer) open(conn net.Conn) *session {
	s := d.edge.newSession(conn, d)
	d.edge.add(s)
	d.started(s)
	t := d.edge.newTurn()
	s.requestBind(t)
	t.flush()
	return s
}

// requestBind sends our bind.
func (s *session) requestBind(t *turn) {
	login, c := s.dialer.login.Load(), s.dialer.bind.BindType.command()
	s.append(t, c, pdu.ROK, func(dst []byte) []byte {
		s.window.sequence = bindSequence
		out, _ := login.request.Append(dst, c, bindSequence) // checked by Config.check
		return out
	})
}

// bindSequence is the sequence number of a bind, the first request.
const bindSequence = 1

// connect opens the connection and settles TLS, within Config.BindTimeout.
func (d *dialer) connect(ctx context.Context, secured *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.edge.cfg.BindTimeout)
	defer cancel()
	conn, err := d.dial(ctx)
	if err != nil || secured == nil {
		return conn, err
	}
	client := tls.Client(conn, secured)
	if err := client.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		fault := tlsFaultOf(err)
		d.edge.metrics.tlsFailed(d.carrier.peer.name, fault)
		return nil, errors.New(fault.text())
	}
	return client, nil
}

func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	var nd net.Dialer
	if d.bind.Local != "" {
		local, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(d.bind.Local, "0"))
		if err != nil {
			return nil, err
		}
		nd.LocalAddr = local
	}
	return nd.DialContext(ctx, "tcp", d.bind.Addr)
}

func (d *dialer) started(s *session) {
	d.mu.Lock()
	d.session, d.since = s, d.edge.clock()
	d.mu.Unlock()
}

func (d *dialer) ended(why string) {
	d.mu.Lock()
	d.session, d.since, d.reason = nil, d.edge.clock(), why
	d.mu.Unlock()
}

// handleBindResponse ends our bind (ESME role). It is the only request that can
// be open then, so a response with another sequence number, as go-smpp's server
// sends, is taken too.
func (s *session) handleBindResponse(t *turn, h pdu.Header, body []byte) {
	if s.dialer == nil || s.terms != nil || h.Command != s.dialer.bind.BindType.command().Response() {
		s.edge.metrics.unexpected.Inc()
		return
	}
	if h.Status != pdu.ROK {
		s.close(t, "bind refused: "+s.edge.metrics.names.status(h.Status))
		return
	}
	var resp pdu.BindResp
	version := byte(pdu.Version34)
	if err := resp.Decode(h.Status, body); err == nil {
		if v, ok := resp.TLVs.Find(pdu.TagSCInterfaceVersion); ok && len(v) == 1 {
			version = versionFor(v[0])
		}
	}
	if s.source.IsValid() {
		s.settle() // the SMSC had connected
	}
	s.bound(t, s.dialer.carrier.bindTerms(s.dialer.bind, version), nil)
}
