package naming

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers as a test wants, over UDP and TCP at one port.
type server struct {
	addr   netip.AddrPort
	answer func(query dnsmessage.Message, network string) [][]byte // one message over TCP

	mu    sync.Mutex
	asked []string // transport, name and type
	work  sync.WaitGroup
}

func newServer(t *testing.T, answer func(query dnsmessage.Message, network string) [][]byte) *server {
	t.Helper()
	s := &server{answer: answer}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().(*net.TCPAddr).AddrPort()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(s.addr))
	if err != nil {
		t.Fatal(err)
	}
	s.work.Go(func() { s.datagrams(conn) })
	s.work.Go(func() { s.streams(listener) })
	t.Cleanup(func() {
		_ = conn.Close()
		_ = listener.Close()
		s.work.Wait()
	})
	return s
}

func (s *server) datagrams(conn *net.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		for _, msg := range s.reply(buf[:n], "udp") {
			_, _ = conn.WriteToUDPAddrPort(msg, from)
		}
	}
}

func (s *server) streams(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		var length [2]byte
		_, _ = io.ReadFull(conn, length[:])
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		_, _ = io.ReadFull(conn, query)
		for _, msg := range s.reply(query, "tcp") {
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...))
		}
		_ = conn.Close()
	}
}

func (s *server) reply(query []byte, network string) [][]byte {
	var q dnsmessage.Message
	if q.Unpack(query) != nil || len(q.Questions) != 1 {
		return nil
	}
	s.mu.Lock()
	s.asked = append(s.asked, network+" "+q.Questions[0].Name.String()+" "+q.Questions[0].Type.String())
	s.mu.Unlock()
	return s.answer(q, network)
}

func (s *server) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// noHosts is an empty hosts file.
type noHosts struct{}

func (noHosts) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errNoAnswer
}

func client(servers ...*server) *Client {
	cfg := Config{Hosts: noHosts{}, Timeout: 300 * time.Millisecond}
	for _, s := range servers {
		cfg.Servers = append(cfg.Servers, s.addr)
	}
	return New(cfg)
}

// respond is an answer to a query as servers give it.
func respond(query dnsmessage.Message, records ...dnsmessage.Resource) dnsmessage.Message {
	return dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: query.Questions, Answers: records,
	}
}

func pack(m dnsmessage.Message) []byte {
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return msg
}

// zone answers from a table of records; names without any do not exist.
func zone(records ...dnsmessage.Resource) func(dnsmessage.Message, string) [][]byte {
	return func(query dnsmessage.Message, _ string) [][]byte {
		m := respond(query)
		q, exists := query.Questions[0], false
		for name, left := q.Name.String(), 20; name != "" && left > 0; left-- {
			next := ""
			for _, r := range records {
				if r.Header.Name.String() != name {
					continue
				}
				exists = true
				if alias, ok := r.Body.(*dnsmessage.CNAMEResource); ok {
					next = alias.CNAME.String()
				} else if r.Header.Type != q.Type {
					continue
				}
				m.Answers = append(m.Answers, r)
			}
			name = next
		}
		if len(m.Answers) == 0 {
			m.Authorities = []dnsmessage.Resource{soa("example.", 30, 20)}
		}
		if !exists {
			m.RCode = dnsmessage.RCodeNameError
		}
		return [][]byte{pack(m)}
	}
}

func header(name string, kind dnsmessage.Type, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET, TTL: ttl}
}

func a(name, addr string, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{Header: header(name, dnsmessage.TypeA, ttl), Body: &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()}}
}

func aaaa(name, addr string, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{Header: header(name, dnsmessage.TypeAAAA, ttl), Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(addr).As16()}}
}

func cname(name, to string, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{Header: header(name, dnsmessage.TypeCNAME, ttl), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to)}}
}

func srv(name, to string, port, priority, weight uint16, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: header(name, dnsmessage.TypeSRV, ttl),
		Body:   &dnsmessage.SRVResource{Priority: priority, Weight: weight, Port: port, Target: dnsmessage.MustNewName(to)},
	}
}

func naptr(name string, data string, ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{Header: header(name, typeNAPTR, ttl), Body: &dnsmessage.UnknownResource{Type: typeNAPTR, Data: []byte(data)}}
}

func soa(name string, ttl, minimum uint32) dnsmessage.Resource {
	root := dnsmessage.MustNewName(name)
	return dnsmessage.Resource{Header: header(name, dnsmessage.TypeSOA, ttl), Body: &dnsmessage.SOAResource{NS: root, MBox: root, MinTTL: minimum}}
}
