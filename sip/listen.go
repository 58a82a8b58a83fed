package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"

	gosip "github.com/emiago/sipgo/sip"

	"maskline/sip/message"
)

// socket is one entry of Config.Listen: where peers reach us, and where we send
// from.
type socket struct {
	edge  *Edge
	index int
	over  transport
	local netip.AddrPort
	own   string // address as our URIs write it

	udp      []*datagrams               // over UDP
	listener net.Listener               // over a stream
	tls      atomic.Pointer[tls.Config] // over TLS
}

func (e *Edge) listen(ctx context.Context, index int, cfg Listen) (*socket, error) {
	s := &socket{edge: e, index: index}
	if err := s.open(ctx, cfg); err != nil {
		s.close()
		return nil, fmt.Errorf("listen %s: %w", cfg.Addr, err)
	}
	return s, nil
}

func (s *socket) open(ctx context.Context, cfg Listen) error {
	over, addr, err := parseAddr(cfg.Addr)
	if err != nil {
		return err
	}
	if cfg.Advertise != "" && !isHostPort(cfg.Advertise) {
		return errors.New("advertise is host:port")
	}
	if cfg.Advertise == "" && addr.Addr().IsUnspecified() {
		return errors.New("advertise is needed where every address is listened on")
	}
	s.over = over
	if over == overUDP {
		err = s.listenUDP(addr, cfg.Sockets)
	} else {
		err = s.listenStream(ctx, addr, cfg.TLS)
	}
	if err != nil {
		return err
	}
	s.own = cfg.Advertise
	if s.own == "" {
		s.own = s.local.String()
	}
	s.own += over.params()
	return nil
}

// listenStream opens a listener. A certificate is read at once, so that a faulty
// one shows at the start.
func (s *socket) listenStream(ctx context.Context, addr netip.AddrPort, cfg ServerTLS) error {
	var err error
	if s.over == overTLS {
		secured, err := cfg.load()
		if err != nil {
			return err
		}
		s.tls.Store(secured)
	}
	var config net.ListenConfig
	if s.listener, err = config.Listen(ctx, network("tcp", addr.Addr()), addr.String()); err != nil {
		return fmt.Errorf("opening a listener: %w", err)
	}
	s.local = unmapped(s.listener.Addr().(*net.TCPAddr).AddrPort())
	return nil
}

// network is the name for one IP version alone.
func network(kind string, addr netip.Addr) string {
	if addr.Is4() {
		return kind + "4"
	}
	return kind + "6"
}

func (s *socket) close() {
	for _, d := range s.udp {
		d.Close()
	}
	if s.listener != nil {
		_ = s.listener.Close()
	}
}

// serve accepts connections until the listener is closed.
func (s *socket) serve() {
	if s.listener != nil {
		s.edge.streams.accept(s)
	}
}

// discard drops what has come and was not read.
func (s *socket) discard() {
	for _, d := range s.udp {
		d.Discard()
	}
}

// receive gives a parsed message on. Over a stream conn is the number of its
// connection, and names are those of the certificate that it showed.
func (s *socket) receive(t *trunk, msg gosip.Message, source netip.AddrPort, conn uint64, names []string) {
	switch msg := msg.(type) {
	case *gosip.Request:
		req, fault := message.NewRequest(msg, source)
		req.Conn, req.Trunk, req.Names = conn, t.Name, names
		s.edge.onRequest(s, t, req, fault)
	case *gosip.Response:
		res, fault := message.NewResponse(msg)
		if res != nil {
			res.Trunk, res.Names = t.Name, names
		}
		s.edge.onResponse(t, res, fault, source, conn)
	}
}

// send sends a datagram. Messages of one call leave by the same socket, in order.
func (s *socket) send(data []byte, to netip.AddrPort, call uint64) error {
	return s.udp[call%uint64(len(s.udp))].send(data, to)
}

const anyCode = 100 // it is an answer, whichever

// answer sends the answer to a request that came in here.
func (s *socket) answer(t *trunk, req *message.Request, data []byte) error {
	return s.edge.transmit(actSend{
		trunk: t, socket: s.index, over: s.over, conn: req.Conn, to: req.ReplyTo(), data: data, code: anyCode,
	}, 0)
}

// transmit sends a message by the transport that it is meant for; an answer by
// that of its request, which a peer may have changed inside a call.
func (e *Edge) transmit(a actSend, call uint64) error {
	s := e.sockets[a.socket]
	switch isAnswer := a.code != 0; {
	case isAnswer && a.conn != 0 && e.streams.answer(a) == nil:
		return nil
	case isAnswer && a.conn == 0 && a.over.reliable():
		if s = e.datagramSocket(a.to.Addr()); s == nil {
			return errNoConnection
		}
	case a.over.reliable():
		return e.streams.send(a)
	}
	return s.send(a.data, a.to, call)
}

// datagramSocket is one over UDP that reaches an address; nil where there is none.
func (e *Edge) datagramSocket(to netip.Addr) *socket {
	for _, s := range e.sockets {
		if s.over == overUDP && s.local.Addr().Is4() == to.Is4() {
			return s
		}
	}
	return nil
}

// isHostPort reports whether text can stand in Via and Contact.
func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return false
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-:", r)
	})
}
