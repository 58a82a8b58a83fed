//go:build peers

package sms

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/routing"
	"maskline/smpp"
	"maskline/smpp/pdu"
	"maskline/testbench/loopback"
)

//go:embed tls.js
var tlsProgram string

// papers are certificates that openssl made, in a folder.
type papers string

func (p papers) file(name string) string { return filepath.Join(string(p), name) }

func newPapers(t *testing.T) papers {
	t.Helper()
	p := papers(t.TempDir())
	script := `set -e
cd "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stranger.key -out stranger.pem -days 2 -subj /CN=stranger -addext subjectAltName=DNS:smsc.example
for name in edge smsc peer; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.csr -subj /CN=$name.example -addext subjectAltName=DNS:$name.example
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -copy_extensions copy -out $name.pem
done`
	if out, err := exec.Command("sh", "-c", script, "sh", string(p)).CombinedOutput(); err != nil {
		t.Fatalf("openssl is needed: %v\n%s", err, out)
	}
	return p
}

// tlsEdge listens with mutual TLS, and binds with TLS to the carrier at addr,
// where that is not empty.
func tlsEdge(t *testing.T, p papers, addr string) *edge {
	t.Helper()
	cfg := smpp.Config{
		Listen: []smpp.ListenConfig{{
			Addr: "127.0.0.1:0", TLS: smpp.ServerTLS{Cert: p.file("edge.pem"), Key: p.file("edge.key"), ClientCA: p.file("ca.pem")},
		}},
		AnswerWithin: 3 * time.Second, BindTimeout: 10 * time.Second, Drain: 3 * time.Second,
		Auth:     smpp.AuthConfig{Failures: 1000},
		Accounts: []smpp.AccountConfig{{SystemID: "shop", Password: "sesame", Tenant: "shop"}},
	}
	routes := routing.Config{Breaker: routing.BreakerConfig{Window: 10 * time.Second, Ratio: 0.5, Min: 5, HalfOpenAfter: 500 * time.Millisecond}}
	if addr != "" {
		routes.Carriers = []routing.CarrierConfig{{Name: "alfa", Services: routing.SMS}}
		cfg.Carriers = []smpp.CarrierConfig{{Name: "alfa", Binds: []smpp.BindConfig{{
			Addr: addr, SystemID: "maskline", Password: "secret",
			Reconnect: smpp.Reconnect{Min: 50 * time.Millisecond, Max: 200 * time.Millisecond},
			TLS: smpp.ClientTLS{
				Enabled: true, CA: p.file("ca.pem"), Cert: p.file("edge.pem"), Key: p.file("edge.key"), Name: "smsc.example",
			},
		}}}}
	}
	return runEdge(t, cfg, routes)
}

// output is what a program prints, as it comes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// runProgram starts a program; it ends with its input, or at the end of the test.
func runProgram(t *testing.T, name string, args ...string) (in io.WriteCloser, out *output) {
	t.Helper()
	cmd := exec.Command(name, args...)
	out = &output{}
	cmd.Stdout, cmd.Stderr = out, io.Discard
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return in, out
}

func bindFrame(t *testing.T) []byte {
	t.Helper()
	b := pdu.Bind{SystemID: []byte("shop"), Password: []byte("sesame"), InterfaceVersion: pdu.Version34}
	out, err := b.Append(nil, pdu.BindTransceiver, 1)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOpenSSLBindsToUs(t *testing.T) {
	p := newPapers(t)
	e := tlsEdge(t, p, "")
	ours := []string{"-cert", p.file("peer.pem"), "-key", p.file("peer.key")}
	cases := []struct {
		name   string
		args   []string
		reason string // empty: it is bound
	}{
		{"TLS 1.2", append([]string{"-tls1_2"}, ours...), ""},
		{"TLS 1.3", append([]string{"-tls1_3"}, ours...), ""},
		{"TLS 1.1", append([]string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, ours...), "version"},
		{"no certificate", nil, "no_certificate"},
		{"a stranger's certificate", []string{"-cert", p.file("stranger.pem"), "-key", p.file("stranger.key")}, "unknown_ca"},
		{"does not trust us", append([]string{"-tls1_2", "-verify_return_error", "-CAfile", p.file("stranger.pem")}, ours...), "refused_by_peer"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"s_client", "-quiet", "-connect", fmt.Sprint("127.0.0.1:", e.port()), "-servername", "edge.example"}
			if c.reason != "refused_by_peer" {
				args = append(args, "-CAfile", p.file("ca.pem"))
			}
			in, out := runProgram(t, "openssl", append(args, c.args...)...)
			_, _ = in.Write(bindFrame(t))
			if c.reason != "" {
				eventually(t, c.reason+" is counted", func() bool {
					return e.counter(t, "tls_failures_total", map[string]string{"reason": c.reason}) > 0
				})
				return
			}
			eventually(t, "the bind is answered", func() bool {
				got := []byte(out.String())
				return len(got) >= pdu.HeaderLen && pdu.ParseHeader(got).Command == pdu.BindTransceiverResp && pdu.ParseHeader(got).Status == pdu.ROK
			})
			in.Close()
		})
	}
}

func TestPlainSMPPToOurTLSPort(t *testing.T) {
	e := tlsEdge(t, newPapers(t), "")
	conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", e.port()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(bindFrame(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is counted", func() bool {
		return e.counter(t, "tls_failures_total", map[string]string{"reason": "not_tls"}) == 1
	})
}

// freePort is a port that nobody listens on, nor will before the test does.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", netip.AddrPortFrom(loopback.Addr(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestWeBindToOpenSSL(t *testing.T) {
	p := newPapers(t)
	for _, c := range []struct {
		name   string
		args   []string
		reason string
	}{
		{"TLS 1.2, mutual", []string{"-tls1_2", "-cert", p.file("smsc.pem"), "-key", p.file("smsc.key")}, ""},
		{"TLS 1.3, mutual", []string{"-tls1_3", "-cert", p.file("smsc.pem"), "-key", p.file("smsc.key")}, ""},
		{"another name", []string{"-cert", p.file("peer.pem"), "-key", p.file("peer.key")}, "wrong_name"},
		{"a stranger", []string{"-cert", p.file("stranger.pem"), "-key", p.file("stranger.key")}, "unknown_ca"},
		{"TLS 1.1", []string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-cert", p.file("smsc.pem"), "-key", p.file("smsc.key")}, "refused_by_peer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := freePort(t)
			args := append([]string{"s_server", "-quiet", "-accept", addr, "-Verify", "2", "-verify_return_error", "-CAfile", p.file("ca.pem")}, c.args...)
			in, out := runProgram(t, "openssl", args...)
			e := tlsEdge(t, p, addr)
			if c.reason != "" {
				eventually(t, c.reason+" is counted", func() bool {
					return e.counter(t, "tls_failures_total", map[string]string{"peer": "alfa", "reason": c.reason}) > 0
				})
				return
			}
			eventually(t, "the bind has come", func() bool {
				got := []byte(out.String())
				return len(got) >= pdu.HeaderLen && pdu.ParseHeader(got).Command == pdu.BindTransceiver
			})
			resp, err := (&pdu.BindResp{SystemID: []byte("openssl")}).Append(nil, pdu.BindTransceiver, pdu.ROK, 1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := in.Write(resp); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it stands", func() bool { return e.bound("alfa") })
		})
	}
}

// node runs tls.js and collects its events.
func node(t *testing.T, args ...string) func(event string) []event {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tls.js")
	if err := os.WriteFile(program, []byte(tlsProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NODE_PATH", nodeModules(t))
	_, out := runProgram(t, "node", append([]string{program}, args...)...)
	return func(kind string) (found []event) {
		for line := range strings.Lines(out.String()) {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Event == kind {
				found = append(found, e)
			}
		}
		return found
	}
}

// A message crosses two TLS links, both mutual, with node-smpp at both ends.
func TestNodeOverTLSAtBothEnds(t *testing.T) {
	p := newPapers(t)
	smsc := node(t, "server", p.file("smsc.key"), p.file("smsc.pem"), p.file("ca.pem"))
	eventually(t, "the SMSC listens", func() bool { return len(smsc("listening")) == 1 })
	e := tlsEdge(t, p, fmt.Sprint("127.0.0.1:", smsc("listening")[0].Port))
	eventually(t, "the carrier is bound", func() bool { return e.bound("alfa") })
	esme := node(t, "client", fmt.Sprint(e.port()), p.file("ca.pem"), p.file("peer.key"), p.file("peer.pem"), alice, maskOfBob)
	eventually(t, "the message is answered", func() bool { return len(esme("submit_resp")) == 1 })
	if s := esme("submit_resp")[0].Status; s != 0 {
		t.Errorf("it is answered with 0x%02X", s)
	}
	eventually(t, "the SMSC says what it got", func() bool { return len(smsc("submit")) > 0 })
	if got := smsc("submit"); len(got) != 1 || got[0].From != maskOfAlice || got[0].To != bob {
		t.Error("the SMSC has not got the masked message")
	}
}

func TestNodeWithoutACertificate(t *testing.T) {
	p := newPapers(t)
	e := tlsEdge(t, p, "")
	esme := node(t, "client", fmt.Sprint(e.port()), p.file("ca.pem"), "-", "-", alice, maskOfBob)
	eventually(t, "it is turned away", func() bool { return len(esme("error")) == 1 })
	eventually(t, "it is counted", func() bool {
		return e.counter(t, "tls_failures_total", map[string]string{"reason": "no_certificate"}) == 1
	})
}
