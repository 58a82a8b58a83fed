//go:build peers

package edge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/e164"
	"maskline/testbench/authority"
	"maskline/testbench/await"
	"maskline/testbench/loopback"
	"maskline/testbench/process"
)

// baresip is a baresip process with one account and a tone as its voice. What
// it hears is recorded.
type baresip struct {
	t      *testing.T
	number e164.Number
	tone   float64 // Hz
	dir    string
	addr   netip.AddrPort // of SIP
	log    *os.File
	child  *process.Child
	events chan event
	ctrl   net.Conn
	edge   netip.AddrPort
	over   string // "", "tcp" or "tls"
	secure string // "", or its word for how media is protected
	shows  string // the files of its certificate
	shares bool   // its RTCP is at the port of RTP
}

// event is one of baresip's own, over its control connection.
type event struct {
	Event     bool
	Type      string // CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, ...
	Direction string
	PeerURI   string
	Param     string
}

const baresipConfig = `poll_method epoll
sip_listen %[1]s
net_interface %[2]s
rtp_ports 10000-19998
audio_source aufile,%[3]s/tone.wav
audio_player nil
audio_alert nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
snd_path %[3]s
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen %[4]s
`

// newBaresip runs a baresip that speaks UDP.
func newBaresip(t *testing.T, number e164.Number, tone float64) *baresip {
	t.Helper()
	return newBaresipOver(t, number, tone, "", nil)
}

// newBaresipOver runs one that speaks another transport; over TLS it shows its
// certificate "phone", and asks for one.
func newBaresipOver(t *testing.T, number e164.Number, tone float64, over string, names *authority.Authority, change ...func(*baresip)) *baresip {
	t.Helper()
	return newBaresipAt(t, loopback.Addr(), number, tone, over, names, change...)
}

// newBaresipAt runs one at an address, with its media there too.
func newBaresipAt(t *testing.T, ip netip.Addr, number e164.Number, tone float64, over string, names *authority.Authority, change ...func(*baresip)) *baresip {
	t.Helper()
	p := &baresip{t: t, number: number, tone: tone, dir: t.TempDir(), events: make(chan event, 64), over: over, shows: "phone"}
	for _, c := range change {
		c(p)
	}
	p.addr = free(t, ip, "udp")
	writeTone(t, filepath.Join(p.dir, "tone.wav"), tone)
	ctrl := free(t, loopback.Addr(), "tcp")
	config := fmt.Sprintf(baresipConfig, p.addr, ip, p.dir, ctrl)
	if p.shares {
		config += "rtcp_mux yes\n"
	}
	if over == "tls" {
		p.addr = netip.AddrPortFrom(ip, p.addr.Port()+1) // its rule
		var pair []byte
		for _, file := range []string{p.shows + ".pem", p.shows + ".key"} {
			part, err := os.ReadFile(names.File(file))
			if err != nil {
				t.Fatal(err)
			}
			pair = append(pair, part...)
		}
		p.write("pair.pem", string(pair))
		config += fmt.Sprintf("sip_certificate %s/pair.pem\nsip_cafile %s\n", p.dir, names.File("ca.pem"))
	}
	account := fmt.Sprintf("<sip:%s@%s%s>;regint=0;answermode=auto;audio_codecs=PCMA", number.Reveal(), literal(ip), p.params())
	if p.secure != "" {
		config += "module srtp.so\n"
		account += ";mediaenc=" + p.secure
	}
	p.write("config", config)
	p.write("accounts", account+"\n")
	var err error
	if p.log, err = os.Create(filepath.Join(p.dir, "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.log.Close() })
	version := "-4"
	if ip.Is6() {
		version = "-6"
	}
	cmd := exec.Command("baresip", version, "-s", "-f", p.dir) // -s: it prints every SIP message
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, p.log, p.log
	if p.child, err = process.StartChild(cmd); err != nil {
		t.Fatal(err)
	}
	p.connect(ctrl)
	t.Cleanup(p.quit)
	return p
}

func (p *baresip) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// literal is an address as URIs have it.
func literal(ip netip.Addr) string {
	if ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return ip.String()
}

// free is an address that was free a moment ago.
func free(t *testing.T, ip netip.Addr, network string) netip.AddrPort {
	t.Helper()
	addr := netip.AddrPortFrom(ip, 0)
	if network == "udp" {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return local(conn)
	}
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// connect waits for baresip's control socket, and reads events from it.
func (p *baresip) connect(ctrl netip.AddrPort) {
	p.t.Helper()
	var err error
	await.Within(patience, func() bool {
		p.ctrl, err = net.Dial("tcp4", ctrl.String())
		return err == nil || p.child.Ended()
	})
	if err != nil {
		p.t.Fatalf("baresip does not start: %v\n%s", err, p.said())
	}
	go func() {
		defer close(p.events)
		r := bufio.NewReader(p.ctrl)
		for {
			e, err := readEvent(r)
			if err != nil {
				return
			}
			if e.Event {
				p.events <- e
			}
		}
	}()
}

// readEvent reads one netstring: length, colon, JSON, comma.
func readEvent(r *bufio.Reader) (e event, err error) {
	head, err := r.ReadString(':')
	if err != nil {
		return e, err
	}
	length, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil || length < 0 || length > 1<<20 {
		return e, fmt.Errorf("a netstring of length %q", head)
	}
	body := make([]byte, length+1)
	if _, err := io.ReadFull(r, body); err != nil {
		return e, err
	}
	return e, json.Unmarshal(body[:length], &e)
}

// command runs a command of baresip's menu.
func (p *baresip) command(name, params string) {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"command": name, "params": params})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(p.ctrl, "%d:%s,", len(body), body); err != nil {
		p.t.Fatal(err)
	}
}

// await returns the next event of a type.
func (p *baresip) await(kind string) event {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e, more := <-p.events:
			if !more {
				p.t.Fatalf("baresip is gone:\n%s", p.said())
			}
			if e.Type == kind {
				return e
			}
			if e.Type == "CALL_CLOSED" {
				p.t.Fatalf("waiting for %s: the call was closed: %s", kind, e.Param)
			}
		case <-timeout:
			p.t.Fatalf("waiting for %s: nothing came\n%s", kind, p.said())
		}
	}
}

func (p *baresip) dial(to e164.Number) {
	p.t.Helper()
	p.command("dial", fmt.Sprintf("sip:%s@%s%s", to.Reveal(), p.edge, p.params()))
}

// params are what its URIs say of its transport.
func (p *baresip) params() string {
	if p.over == "" {
		return ""
	}
	return ";transport=" + p.over
}

// said is what baresip has printed.
func (p *baresip) said() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// quit ends the process; it removes the events' reader too.
func (p *baresip) quit() {
	_ = p.child.Signal(syscall.SIGTERM)
	if _, err := p.child.Wait(patience); err != nil {
		_ = p.child.Kill()
	}
	p.ctrl.Close()
	for range p.events { // until the reader has ended
	}
}

// heard is the newest recording of what came in, whole once the call is over.
func (p *baresip) heard() []float64 {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("baresip has recorded nothing: %v\n%s", err, p.said())
	}
	newest := files[len(files)-1]
	samples := readWAV(p.t, newest)
	if err := os.Remove(newest); err != nil { // the next call may begin in the same second
		p.t.Fatal(err)
	}
	return samples
}
