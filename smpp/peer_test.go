package smpp

import (
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
	"maskline/testbench/await"
)

// wire is one end of an SMPP connection without any logic, so that a test can
// send what a real peer would not.
type wire struct {
	conn   net.Conn
	reader *pdu.Reader
	last   uint32
}

func newWire(conn net.Conn) *wire {
	return &wire{conn: conn, reader: pdu.NewReader(conn, pdu.MaxBound, 4096)}
}

func dialWire(t testing.TB, addr string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return newWire(conn)
}

const patience = 20 * time.Second // for what must come, where others want the processors too

// frame is one PDU read, its own copy.
type frame struct {
	pdu.Header
	body []byte
}

// read returns the next PDU, or false at the end of the stream.
func (w *wire) read() (frame, bool) {
	for {
		raw, err := w.reader.Next()
		if err != nil {
			return frame{}, false
		}
		if raw != nil {
			return frame{pdu.ParseHeader(raw), append([]byte(nil), raw[pdu.HeaderLen:]...)}, true
		}
		if _, err := w.reader.Fill(); err != nil {
			return frame{}, false
		}
	}
}

func (w *wire) mustRead(t testing.TB) frame {
	t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	f, ok := w.read()
	if !ok {
		t.Fatal("the connection ended, or nothing came")
	}
	return f
}

// expect reads one PDU and checks its command and status.
func (w *wire) expect(t testing.TB, c pdu.Command, s pdu.Status) frame {
	t.Helper()
	f := w.mustRead(t)
	if f.Command != c || f.Status != s {
		t.Fatalf("got command %08x status %02x, want %08x %02x", uint32(f.Command), uint32(f.Status), uint32(c), uint32(s))
	}
	return f
}

// expectEnd waits for the end of the stream.
func (w *wire) expectEnd(t testing.TB) {
	t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	if f, ok := w.read(); ok {
		t.Fatalf("got command %08x status %02x, want the end", uint32(f.Command), uint32(f.Status))
	}
	if _, err := w.conn.Read(make([]byte, 1)); err == nil {
		t.Fatal("the connection is still open")
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection did not end")
	}
}

func (w *wire) write(t testing.TB, b []byte) {
	t.Helper()
	if _, err := w.conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (w *wire) sequence() uint32 { w.last++; return w.last }

// bindAs sends a bind and returns the response.
func (w *wire) bindAs(t testing.TB, c pdu.Command, id, password string, version byte) frame {
	t.Helper()
	b := pdu.Bind{SystemID: []byte(id), Password: []byte(password), InterfaceVersion: version}
	out, err := b.Append(nil, c, w.sequence())
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, out)
	return w.mustRead(t)
}

// bound connects and binds.
func bound(t testing.TB, addr string, c pdu.Command, id string) *wire {
	t.Helper()
	w := dialWire(t, addr)
	if f := w.bindAs(t, c, id, "sesame", pdu.Version34); f.Command != c.Response() || f.Status != pdu.ROK {
		t.Fatalf("bind answered with %08x status %02x", uint32(f.Command), uint32(f.Status))
	}
	return w
}

// text is a message of one line.
func text(from, to, line string) *pdu.Message {
	return &pdu.Message{
		Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(from)}, Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(to)},
		ShortMessage: []byte(line),
	}
}

// send sends a message and returns its sequence number.
func (w *wire) send(t testing.TB, c pdu.Command, m *pdu.Message) uint32 {
	t.Helper()
	sequence := w.sequence()
	out, err := m.Append(nil, c, sequence)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, out)
	return sequence
}

// respond answers a request.
func (w *wire) respond(t testing.TB, f frame, s pdu.Status, id string) {
	t.Helper()
	w.write(t, pdu.AppendMessageResp(nil, f.Command, s, f.Sequence, []byte(id)))
}

// message decodes a submit_sm or deliver_sm.
func (f *frame) message(t testing.TB) *pdu.Message {
	t.Helper()
	m := new(pdu.Message)
	if err := m.Decode(f.body); err != nil {
		t.Fatal(err)
	}
	return m
}

func (f *frame) messageID(t testing.TB) string {
	t.Helper()
	var r pdu.MessageResp
	if err := r.Decode(f.body); err != nil {
		t.Fatal(err)
	}
	return string(r.MessageID)
}

// smsc is a carrier's SMSC: it accepts every bind and hands the connection to
// the test, which plays the rest.
type smsc struct {
	t        testing.TB
	listener net.Listener
	binds    chan *wire

	mu    sync.Mutex
	conns []net.Conn
	last  string // system_id of the latest bind
}

func (s *smsc) lastBind() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func newSMSC(t testing.TB) *smsc {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smsc{t: t, listener: l, binds: make(chan *wire, 64)}
	var work sync.WaitGroup
	work.Go(s.serve)
	t.Cleanup(func() {
		s.stop()
		work.Wait()
	})
	return s
}

func (s *smsc) addr() string { return s.listener.Addr().String() }

// stop closes the listener and every connection.
func (s *smsc) stop() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

func (s *smsc) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		w := newWire(conn)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		f, ok := w.read()
		_ = conn.SetReadDeadline(time.Time{})
		if !ok || !f.Command.IsBind() {
			conn.Close()
			continue
		}
		var b pdu.Bind
		_ = b.Decode(f.body)
		s.mu.Lock()
		s.last = string(b.SystemID)
		s.mu.Unlock()
		resp := pdu.BindResp{SystemID: []byte("smsc"), TLVs: pdu.AppendTLV(nil, pdu.TagSCInterfaceVersion, []byte{pdu.Version34})}
		out, _ := resp.Append(nil, f.Command, pdu.ROK, f.Sequence)
		if _, err := conn.Write(out); err == nil {
			s.binds <- w
		}
	}
}

// bind waits for the edge's next bind.
func (s *smsc) bind(t testing.TB) *wire {
	t.Helper()
	return await.From(t, patience, "a bind of the edge", s.binds)
}

// arrival is a PDU and where it came from.
type arrival struct {
	frame
	wire *wire
}

// merge reads from all wires until they end.
func merge(t testing.TB, wires []*wire) <-chan arrival {
	t.Helper()
	all := make(chan arrival, 1024)
	var work sync.WaitGroup
	for _, w := range wires {
		_ = w.conn.SetReadDeadline(time.Time{})
		work.Go(func() {
			for f, ok := w.read(); ok; f, ok = w.read() {
				all <- arrival{f, w}
			}
		})
	}
	t.Cleanup(func() {
		for _, w := range wires {
			w.conn.Close()
		}
		work.Wait()
	})
	return all
}
