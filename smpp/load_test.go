package smpp

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // the benchmark makes the table that routing reads
	"maskline/smpp/pdu"
)

// The load comes from a process of its own, so that the edge's CPU time can be
// told from the generator's: the test binary starts itself with loadEnv set. It
// plays the SMSCs of two carriers. The first sends deliver_sm as fast as its
// window allows, the second accepts submit_sm at once.
const loadEnv = "MASKLINE_SMPP_LOAD"

const (
	loadBindings = 1_000_000
	loadMasks    = 2000
)

func loadParty(i uint64) uint64 { return 447_700_000_000 + i }
func loadMask(i uint64) uint64  { return 441_100_000_000 + i%loadMasks }

func loadNumber(n uint64) e164.Number { return e164.MustParse(strconv.FormatUint(n, 10)) }

func loadTable(n uint64) *numberdb.Table {
	table := numberdb.NewTable()
	changes := make([]numberdb.Change, 0, 10_000)
	for i := range n {
		changes = append(changes, numberdb.Change{Binding: numberdb.Binding{
			Mask: loadNumber(loadMask(i)), Party: loadNumber(loadParty(i)), Services: numberdb.SMS, Tenant: "shop",
			To:      numberdb.Endpoint{Kind: numberdb.Tel, Number: loadNumber(446_000_000_000 + i)},
			Present: loadNumber(loadMask(i + 1)),
		}})
		if len(changes) == cap(changes) {
			table.Apply(changes)
			changes = changes[:0]
		}
	}
	table.Apply(changes)
	return table
}

// loadResult is what the generator saw.
type loadResult struct {
	Accepted, Refused, Received int
	Seconds                     float64
	P50, P99                    float64 // milliseconds from deliver_sm to its response

	delays []int64
}

// loadSpec is what the generator is asked for.
type loadSpec struct {
	pairs  int       // binds on either side
	window int       // of each
	count  int       // messages of all together
	rate   int       // a second, of all together; 0: as fast as the windows allow
	tls    ServerTLS // of the carriers; none: plain TCP
}

func (l loadSpec) String() string {
	return fmt.Sprint(l.pairs, l.window, l.count, l.rate) + " " + cmp.Or(l.tls.Cert, "-") + " " + cmp.Or(l.tls.Key, "-")
}

// listen opens a carrier's port.
func (l loadSpec) listen() (net.Listener, error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil || l.tls.Cert == "-" {
		return plain, err
	}
	cfg, err := l.tls.load()
	return tls.NewListener(plain, cfg), err
}

// runLoad is the generator's main.
func runLoad(text string) error {
	var spec loadSpec
	if _, err := fmt.Sscan(text, &spec.pairs, &spec.window, &spec.count, &spec.rate, &spec.tls.Cert, &spec.tls.Key); err != nil {
		return err
	}
	in, err := spec.listen()
	if err != nil {
		return err
	}
	out, err := spec.listen()
	if err != nil {
		return err
	}
	fmt.Println(in.Addr(), out.Addr())
	sinks := make([]loadSink, spec.pairs)
	for i := range sinks {
		go func() { sinks[i].serve(out) }()
	}
	conns := make([]net.Conn, spec.pairs)
	for i := range conns {
		if conns[i], err = acceptBind(in); err != nil {
			return err
		}
	}
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil { // the edge is ready
		return err
	}
	result, err := runSources(conns, spec)
	if err != nil {
		return err
	}
	for i := range sinks {
		result.Received += int(sinks[i].received.Load())
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// runSources sends over all binds at once and sums up.
func runSources(conns []net.Conn, spec loadSpec) (sum loadResult, err error) {
	results, faults := make([]loadResult, len(conns)), make([]error, len(conns))
	var work sync.WaitGroup
	each := spec.count / len(conns)
	for i, conn := range conns {
		source := &loadSource{
			conn: conn, reader: pdu.NewReader(conn, pdu.MaxBound, 64<<10), window: spec.window,
			first: uint64(i * each), sentAt: make([]int64, each+1),
		}
		work.Go(func() { results[i], faults[i] = source.run(each, spec.rate/len(conns)) })
	}
	work.Wait()
	for _, r := range results {
		sum.Accepted += r.Accepted
		sum.Refused += r.Refused
		sum.Seconds = max(sum.Seconds, r.Seconds)
		sum.delays = append(sum.delays, r.delays...)
	}
	slices.Sort(sum.delays)
	if n := len(sum.delays); n > 0 {
		sum.P50, sum.P99 = float64(sum.delays[n/2])/1e6, float64(sum.delays[n*99/100])/1e6
	}
	return sum, errors.Join(faults...)
}

func acceptBind(l net.Listener) (net.Conn, error) {
	conn, err := l.Accept()
	if err != nil {
		return nil, err
	}
	r := pdu.NewReader(conn, pdu.MaxBound, 4096)
	for {
		f, err := r.Next()
		if err != nil {
			return nil, err
		}
		if f != nil {
			h := pdu.ParseHeader(f)
			resp, _ := (&pdu.BindResp{}).Append(nil, h.Command, pdu.ROK, h.Sequence)
			_, err := conn.Write(resp)
			return conn, err
		}
		if _, err := r.Fill(); err != nil {
			return nil, err
		}
	}
}

// loadSink accepts every submit_sm; it answers once per read.
type loadSink struct{ received atomic.Uint64 }

func (s *loadSink) serve(l net.Listener) {
	conn, err := acceptBind(l)
	if err != nil {
		return
	}
	r := pdu.NewReader(conn, pdu.MaxBound, 64<<10)
	var out, id []byte
	for {
		if _, err := r.Fill(); err != nil {
			return
		}
		out = out[:0]
		for {
			f, err := r.Next()
			if err != nil {
				return
			}
			if f == nil {
				break
			}
			h := pdu.ParseHeader(f)
			if h.Command != pdu.SubmitSM {
				out = pdu.AppendHeader(out, h.Command.Response(), pdu.ROK, h.Sequence)
				continue
			}
			id = strconv.AppendUint(id[:0], s.received.Add(1), 16)
			out = pdu.AppendMessageResp(out, pdu.SubmitSM, pdu.ROK, h.Sequence, id)
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// loadSource keeps its window full, or sends at a rate.
type loadSource struct {
	conn   net.Conn
	reader *pdu.Reader
	window int
	first  uint64 // where its messages begin among those of all
	sentAt []int64
	delays []int64
	out    []byte
}

func (s *loadSource) run(count, rate int) (loadResult, error) {
	template, _ := text("000000000000", "000000000000", strings.Repeat("x", 120)).Append(nil, pdu.DeliverSM, 1)
	var result loadResult
	started := time.Now()
	pace := time.NewTicker(50 * time.Microsecond)
	defer pace.Stop()
	sent, answered := 0, 0
	for answered < count {
		s.out = s.out[:0]
		now := time.Since(started)
		for sent < count && sent-answered < s.window && (rate == 0 || float64(sent) < now.Seconds()*float64(rate)) {
			sent++
			s.sentAt[sent] = int64(now)
			s.out = appendLoad(s.out, template, s.first+uint64(sent), uint32(sent))
		}
		if len(s.out) > 0 {
			if _, err := s.conn.Write(s.out); err != nil {
				return result, err
			}
		}
		if sent == answered {
			<-pace.C // it is ahead of the rate
			continue
		}
		if rate > 0 {
			_ = s.conn.SetReadDeadline(time.Now().Add(200 * time.Microsecond))
		}
		if _, err := s.reader.Fill(); err != nil && !os.IsTimeout(err) {
			return result, err
		}
		n, err := s.take(int64(time.Since(started)), &result)
		if err != nil {
			return result, err
		}
		answered += n
	}
	result.Seconds = time.Since(started).Seconds()
	result.delays = s.delays
	return result, nil
}

// take counts the responses that were read.
func (s *loadSource) take(at int64, result *loadResult) (int, error) {
	n := 0
	for {
		f, err := s.reader.Next()
		if f == nil || err != nil {
			return n, err
		}
		h := pdu.ParseHeader(f)
		if h.Command != pdu.DeliverSMResp {
			continue
		}
		n++
		s.delays = append(s.delays, at-s.sentAt[h.Sequence])
		if h.Status == pdu.ROK {
			result.Accepted++
		} else {
			result.Refused++
		}
	}
}

// appendLoad is message n: pseudo-random over all bindings.
func appendLoad(dst, template []byte, n uint64, sequence uint32) []byte {
	i := mix(n) % loadBindings
	at := len(dst)
	dst = append(dst, template...)
	binary.BigEndian.PutUint32(dst[at+12:], sequence)
	strconv.AppendUint(dst[at+19:at+19], loadParty(i), 10)
	strconv.AppendUint(dst[at+34:at+34], loadMask(i), 10)
	return dst
}

// load runs the generator against an edge with 1,000,000 bindings and reports
// the rate, the edge's CPU time per 1,000 messages and the delay.
func load(b *testing.B, table *numberdb.Table, spec loadSpec) {
	spec.count = max(b.N/spec.pairs, 1000/spec.pairs+1) * spec.pairs
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%v", loadEnv, spec))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	var in, out string
	if _, err := fmt.Fscanln(lines, &in, &out); err != nil {
		b.Fatal(err)
	}
	from, to := carrierAt("from", in), carrierAt("to", out)
	from.Binds[0].ResponseTimeout, to.Binds[0].ResponseTimeout = 10*time.Second, 10*time.Second
	from.Binds[0].Window, to.Binds[0].Window = spec.window, spec.window
	from.Binds[0].Sessions, to.Binds[0].Sessions = spec.pairs, spec.pairs
	if spec.tls.Cert != "" { // its authority's certificate stands beside it
		secured := ClientTLS{Enabled: true, CA: filepath.Join(filepath.Dir(spec.tls.Cert), "ca.pem"), Name: "smsc.example"}
		from.Binds[0].TLS, to.Binds[0].TLS = secured, secured
	}
	router := ruledRouter(b, table, ordinaryRules(b), "to", "from")
	edge := startEdgeRouted(b, Config{Carriers: []CarrierConfig{to, from}}, Volatile{}, router)
	eventually(b, "all binds are up", func() bool {
		up := 0
		for _, s := range edge.Binds() {
			if s.State == "bound" {
				up++
			}
		}
		return up == 2*spec.pairs
	})
	before, reads, writes := cpuTime(), ioCount("syscr"), ioCount("syscw")
	b.ReportAllocs()
	b.ResetTimer()
	fmt.Fprintln(stdin, "go")
	var result loadResult
	if err := json.NewDecoder(lines).Decode(&result); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	used := cpuTime() - before
	reads, writes = ioCount("syscr")-reads, ioCount("syscw")-writes
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	if result.Accepted != spec.count || result.Received != spec.count {
		b.Fatalf("%d sent: %+v", spec.count, result)
	}
	b.ReportMetric(float64(spec.count)/result.Seconds, "msg/s")
	b.ReportMetric(used.Seconds()/float64(spec.count)*1000, "cpu-s/1000")
	b.ReportMetric(float64(reads)/float64(spec.count), "reads/msg")
	b.ReportMetric(float64(writes)/float64(spec.count), "writes/msg")
	b.ReportMetric(result.P50, "p50-ms")
	b.ReportMetric(result.P99, "p99-ms")
	edge.stop()
}

// ioCount is how many reads or writes this process has made, by the kernel's
// count.
func ioCount(name string) int {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), name+": ")
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.Atoi(line)
	return n
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRelay measures deliver_sm in on one bind, submit_sm out on another,
// over loopback, with loops, opt-outs and blocks looked at: go test -run xxx -bench Relay -benchtime 500000x ./smpp
func BenchmarkRelay(b *testing.B) {
	table := loadTable(loadBindings)
	for _, window := range []int{10, 100, 500} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) { load(b, table, loadSpec{pairs: 1, window: window}) })
	}
	b.Run("tls,window=100", func(b *testing.B) {
		ca := newAuthority(b)
		ca.issue(b, "smsc", "smsc.example", time.Hour)
		load(b, table, loadSpec{pairs: 1, window: 100, tls: ca.server("smsc")})
	})
	b.Run("rate=20000", func(b *testing.B) { load(b, table, loadSpec{pairs: 1, window: 500, rate: 20_000}) })
}

// BenchmarkRelayManyBinds measures the same over many binds of window 10, which
// is what carriers give: go test -run xxx -bench ManyBinds -benchtime 300000x ./smpp
func BenchmarkRelayManyBinds(b *testing.B) {
	table := loadTable(loadBindings)
	for _, pairs := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("binds=%d+%d", pairs, pairs), func(b *testing.B) { load(b, table, loadSpec{pairs: pairs, window: 10}) })
	}
}
