package exchange

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"maskline/testbench/rtp"
	"maskline/testbench/tap"
)

// Mode is how an exchange treats calls from the edge. OPTIONS are answered in
// every mode but Silent.
type Mode int

// The modes.
const (
	Answer      Mode = iota
	Busy             // 486
	Unavailable      // 503
	Silent           // every packet is ignored
	Declined         // 603
	Unknown          // 404
	NoAnswer         // it rings until the caller gives up
)

// Call is a call as one of its ends saw it.
type Call struct {
	Peer     string // the user in From (callee), or the dialled user (caller)
	Dialled  string // the user of the Request-URI
	Answered bool
	Code     int // final code where it was not answered
	Sent     int // RTP packets
	Received int
	Setup    time.Duration // INVITE to final response

	over bool // of an answered call: Sent and Received are final
}

// Exchange is a carrier's SIP side on one loopback socket.
type Exchange struct {
	Tap tap.Tap // every SIP packet that the edge sent

	cfg    Config
	ring   time.Duration
	conn   *conn
	ua     *sipgo.UserAgent
	client *sipgo.Client
	dialog sipgo.DialogUA
	voices *rtp.Generator
	wg     sync.WaitGroup

	mu      sync.Mutex
	mode    Mode
	answers []*Call
	talking map[string]*session // by Call-ID
	closed  bool
}

// session is an established call of either end.
type session struct {
	call   *Call
	stream *rtp.Stream
	// answering is the callee's dialog; nil for a caller.
	answering *sipgo.DialogServerSession
	ended     chan struct{}
	once      sync.Once
}

func (s *session) end() { s.once.Do(func() { close(s.ended) }) }

const ringing = 50 * time.Millisecond

// Config of an Exchange.
type Config struct {
	// Name that it shows.
	Name string
	// Decide is how a call to a number is treated. Nil: as the mode says.
	Decide func(dialled string) Mode
	// Called is told of each call from the edge; it must not wait. Nil: Tap and
	// Answered keep what came.
	Called func(Call)
}

// Start listens on a loopback port of the kernel's choice.
func Start(name string) (*Exchange, error) { return StartWith(Config{Name: name}) }

// StartWith is Start for one that is told how to treat calls. With Called it keeps
// nothing.
func StartWith(cfg Config) (*Exchange, error) {
	name := cfg.Name
	fail := func(err error) (*Exchange, error) {
		return nil, fmt.Errorf("starting the exchange of %s: %w", name, err)
	}
	packets, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	voices, err := rtp.New(rtp.Config{Tone: rtp.ALaw})
	if err != nil {
		return fail(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	ua, err := sipgo.NewUA(sipgo.WithUserAgent(name),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)))
	if err != nil {
		return fail(err)
	}
	x := &Exchange{cfg: cfg, ring: ringing, ua: ua, voices: voices, talking: map[string]*session{}}
	x.conn = &conn{PacketConn: packets, exchange: x, served: make(chan struct{})}
	server, err := sipgo.NewServer(ua, sipgo.WithServerLogger(quiet))
	if err != nil {
		return fail(err)
	}
	addr := x.Addr()
	x.client, err = sipgo.NewClient(ua, sipgo.WithClientLogger(quiet),
		sipgo.WithClientHostname(addr.Addr().String()), sipgo.WithClientPort(int(addr.Port())),
		sipgo.WithClientConnectionAddr(addr.String()))
	if err != nil {
		return fail(err)
	}
	x.dialog = sipgo.DialogUA{
		Client:     x.client,
		ContactHDR: sip.ContactHeader{Address: sip.Uri{Scheme: "sip", Host: addr.Addr().String(), Port: int(addr.Port())}},
	}
	server.OnInvite(x.onInvite)
	server.OnBye(x.onBye)
	server.OnAck(x.onAck)
	server.OnCancel(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusCallTransactionDoesNotExists, "No such call", nil))
	})
	server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil))
	})
	x.wg.Go(func() { _ = server.ServeUDP(x.conn) })
	<-x.conn.served // before that a client would want a socket of its own
	return x, nil
}

// Addr is where the edge sends to and hears from.
func (x *Exchange) Addr() netip.AddrPort { return x.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// SetMode changes how calls are treated from now on.
func (x *Exchange) SetMode(m Mode) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mode = m
}

// Answered is the calls that the exchange's phones took, in order.
func (x *Exchange) Answered() []Call {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]Call, 0, len(x.answers))
	for _, c := range x.answers {
		all = append(all, *c)
	}
	return all
}

// TakeAnswered is Answered, and forgets the calls that are over.
func (x *Exchange) TakeAnswered() []Call {
	x.mu.Lock()
	defer x.mu.Unlock()
	var over []Call
	var on []*Call
	for _, c := range x.answers {
		if c.over {
			over = append(over, *c)
		} else {
			on = append(on, c)
		}
	}
	x.answers = on
	return over
}

// Close ends everything and waits.
func (x *Exchange) Close() {
	x.mu.Lock()
	x.closed = true
	for _, s := range x.talking {
		s.end()
	}
	x.mu.Unlock()
	_ = x.ua.Close()
	_ = x.conn.Close()
	x.wg.Wait()
	x.voices.Close()
}

func (x *Exchange) currentMode() Mode {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.mode
}

// modeFor is how a call to a number is treated.
func (x *Exchange) modeFor(dialled string) Mode {
	if x.cfg.Decide != nil {
		return x.cfg.Decide(dialled)
	}
	return x.currentMode()
}

func (x *Exchange) remember(callID string, s *session) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.talking[callID] = s
}

func (x *Exchange) forget(callID string) *session {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.talking[callID]
	delete(x.talking, callID)
	return s
}

// hangUp stops the voice and notes what it sent and heard.
func (x *Exchange) hangUp(s *session) {
	s.stream.Close()
	report := s.stream.Report()
	x.mu.Lock()
	defer x.mu.Unlock()
	s.call.Sent, s.call.Received, s.call.over = report.Sent, report.Received, true
}

// conn taps and, in silent mode, swallows what arrives.
type conn struct {
	net.PacketConn
	exchange *Exchange
	served   chan struct{} // closed when sipgo begins to read
	once     sync.Once
}

func (c *conn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.once.Do(func() { close(c.served) })
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if c.exchange.cfg.Called == nil {
			c.exchange.Tap.Add(b[:n])
		}
		if c.exchange.currentMode() != Silent {
			return n, from, nil
		}
	}
}

// offer is a description of one voice at addr.
func offer(addr netip.AddrPort) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n",
		addr.Addr(), addr.Port())
}

// remoteVoice finds the address of the audio in a description.
func remoteVoice(body []byte) (netip.AddrPort, error) {
	var host string
	var port uint16
	for line := range slices.Values(splitLines(body)) {
		_, _ = fmt.Sscanf(line, "c=IN IP4 %s", &host)
		_, _ = fmt.Sscanf(line, "m=audio %d ", &port)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("no audio address in the description")
	}
	return netip.AddrPortFrom(addr, port), nil
}

// Hearing is how many packets the calls under way have heard, of the one that heard
// the fewest; 0 without a call.
func (x *Exchange) Hearing() (least int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range x.talking {
		if n := s.stream.Report().Received; least == 0 || n < least {
			least = n
		}
	}
	return least
}
