//go:build peers

package edge

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/capture"
	"maskline/testbench/leak"
)

// judge searches what the edge sent and told.
type judge struct {
	b     *bed
	watch *leak.Watch
	keys  *leak.Scanner // of SRTP, where there is any
	found []string
	seen  map[string]int            // frames judged, by kind
	lines map[netip.AddrPort]string // who speaks SIP over "tcp" or "tls", the edge's listeners too; whose carrier's "smpp"
}

func newJudge(b *bed) *judge {
	return &judge{b: b, watch: leak.NewWatch(rider, driver, customer, stranger, guest), seen: map[string]int{}, lines: map[netip.AddrPort]string{}}
}

func (j *judge) note(kind string, found []leak.Finding) {
	j.seen[kind]++
	for _, f := range found {
		j.found = append(j.found, kind+": "+f.String())
	}
}

// text judges what may hold nobody's number and no key.
func (j *judge) text(kind string, data []byte) {
	j.note(kind, append(j.watch.Text(data), j.secrets(data)...))
}

func (j *judge) secrets(data []byte) []leak.Finding {
	if j.keys == nil {
		return nil
	}
	return j.keys.Find(data)
}

// recording judges every frame by whom it went to.
func (j *judge) recording(r *capture.Recording) {
	j.b.t.Helper()
	l := j.b.edge.Listeners()
	for _, s := range r.Streams {
		switch {
		case s.From == l.API:
			j.text("HTTP", s.Data)
		case s.From == l.SMPP[0]:
			j.pdus("SMPP to an account", s.Data, customer) // whom the shop writes to by its number
		case s.To == j.b.alfa.smsc.Addr() || s.To == j.b.bravo.smsc.Addr() || j.lines[s.To] == "smpp":
			j.pdus("SMPP to a carrier", s.Data)
		case j.lines[s.From] == "tcp" || j.lines[s.To] == "tcp":
			j.messages(s.Data)
		case j.lines[s.From] == "tls" || j.lines[s.To] == "tls":
			j.seen["TLS"]++ // whoever it went to logs it
		default:
			j.b.t.Errorf("a connection from %v to %v that nobody knows of", s.From, s.To)
		}
	}
	for _, d := range r.Datagrams {
		media := d.From.Port() >= 20000 && d.From.Port() <= 20399
		switch {
		case d.From == l.SIP[0]:
			j.note("SIP", append(j.watch.SIP(d.Payload), j.secrets(d.Payload)...))
		case media && d.From.Port()%2 == 0:
			j.note("RTP", j.secrets(d.Payload)) // voice is relayed as it came
		case media:
			j.text("RTCP", d.Payload)
		default:
			j.text("elsewhere", d.Payload) // the marks
		}
	}
}

// messages judges a connection's.
func (j *judge) messages(stream []byte) {
	j.b.t.Helper()
	for stream = bytes.TrimLeft(stream, "\r\n"); len(stream) > 0; stream = bytes.TrimLeft(stream, "\r\n") {
		head, _, found := bytes.Cut(stream, []byte("\r\n\r\n"))
		length, err := strconv.Atoi(readMessage(head).header("Content-Length"))
		end := len(head) + 4 + length
		if !found || err != nil || end > len(stream) {
			j.b.t.Errorf("half a message at the end of a connection: %q", head)
			return
		}
		j.note("SIP", append(j.watch.SIP(stream[:end]), j.secrets(stream[:end])...))
		stream = stream[end:]
	}
}

func (j *judge) pdus(kind string, stream []byte, known ...e164.Number) {
	j.b.t.Helper()
	for len(stream) > 0 {
		if len(stream) < pdu.HeaderLen || int(binary.BigEndian.Uint32(stream)) > len(stream) {
			j.b.t.Errorf("%s: half a PDU at the end of a connection", kind)
			return
		}
		length := binary.BigEndian.Uint32(stream)
		j.note(kind, j.watch.SMPP(stream[:length], known...))
		stream = stream[length:]
	}
}

// told judges what the edge says to its operator.
func (j *judge) told() {
	j.b.t.Helper()
	j.text("log", j.b.log())
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/nothing"} {
		_, body, err := j.b.edge.Get(j.b.t.Context(), path)
		if err != nil {
			j.b.t.Fatal(err)
		}
		j.text(path, body)
	}
	faulty := filepath.Join(j.b.dir, "faulty.csv")
	text := strings.Replace(bindings, ",tel:", ",tel:x", 1) + bindings
	if err := os.WriteFile(faulty, []byte(text), 0o600); err != nil {
		j.b.t.Fatal(err)
	}
	for _, args := range [][]string{
		{"routes", "import", faulty},
		{"route", rider.Reveal(), riderDials.Reveal(), "--voice"},
		{"route", stranger.Reveal(), riderDials.Reveal()},
		{"check"},
	} {
		output, _, err := j.b.edge.Run(j.b.t.Context(), args...)
		if err != nil {
			j.b.t.Fatal(err)
		}
		j.text("maskline "+args[0], output)
	}
}
