//go:build peers

package edge

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/testbench/authority"
	"maskline/testbench/await"
	"maskline/testbench/loopback"
	"maskline/testbench/process"
)

// linphone is a linphonec process with a tone as its voice. What it hears is
// recorded.
type linphone struct {
	t      *testing.T
	number e164.Number
	dir    string
	addr   netip.AddrPort // of SIP
	child  *process.Child
	keys   io.WriteCloser // its commands
	output *os.File
	read   int // octets of the output that await has passed
	edge   netip.AddrPort
	over   string // "udp", "tcp" or "tls"
}

const linphoneConfig = `[sip]
sip_port=%[1]d
sip_tcp_port=%[2]d
sip_tls_port=%[3]d
bind_address=%[4]s
ipv6_migration_done=1
use_ipv6=0
guess_hostname=0
contact=<sip:%[5]s@%[4]s%[6]s>
use_info=0
use_rfc2833=1
%[7]s[rtp]
audio_rtp_port=-1
bind_address=%[4]s
[net]
firewall_policy=0
[sound]
echocancellation=0
`

// line is what a linphone does beyond the plain over UDP.
type line struct {
	over    string               // "udp", "tcp" or "tls"
	names   *authority.Authority // over TLS it shows the certificate "phone", and asks for one
	options string               // of its section [sip]
	// callsOnly: nobody can call it. A linphone that speaks TLS refuses connections.
	callsOnly bool
}

func newLinphone(t *testing.T, number e164.Number, tone float64, l line) *linphone {
	t.Helper()
	p := &linphone{t: t, number: number, dir: t.TempDir(), addr: free(t, loopback.Addr(), "udp"), over: l.over}
	writeTone(t, p.file("tone.wav"), tone)
	if err := os.MkdirAll(p.file(".local/share/linphone"), 0o700); err != nil {
		t.Fatal(err)
	}
	ports := map[string]uint16{l.over: p.addr.Port()}
	if l.over == "tls" {
		l.options += fmt.Sprintf("root_ca=%s\nverify_server_certs=1\nverify_server_cn=0\nclient_cert_chain=%s\nclient_cert_key=%s\n",
			l.names.File("ca.pem"), l.names.File("phone.pem"), l.names.File("phone.key"))
	}
	config := fmt.Sprintf(linphoneConfig, ports["udp"], ports["tcp"], ports["tls"], p.addr.Addr(), number.Reveal(), p.params(), l.options)
	if err := os.WriteFile(p.file("config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.output, err = os.Create(p.file("output")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.output.Close() })
	cmd := exec.Command("linphonec", "-a", "-c", p.file("config"), "-l", p.file("log"), "-d", "6") // it logs every SIP message
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, p.output, p.output
	cmd.Env = append(os.Environ(), "HOME="+p.dir)
	if p.keys, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if p.child, err = process.StartChild(cmd); err != nil {
		t.Fatalf("linphonec is needed (Debian: apt-get install linphone-cli): %v", err)
	}
	t.Cleanup(p.quit)
	p.command("soundcard use files")
	p.command("play " + p.file("tone.wav"))
	p.command("record " + p.file("heard.wav"))
	p.command("ports")
	p.see(fmt.Sprintf("sip port = %d", p.addr.Port()))
	return p
}

func (p *linphone) file(name string) string { return filepath.Join(p.dir, name) }

func (p *linphone) command(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keys, line+"\n"); err != nil {
		p.t.Fatalf("linphonec takes no command: %v\n%s", err, p.printed())
	}
}

func (p *linphone) printed() string {
	text, err := os.ReadFile(p.output.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// see waits until linphonec prints a text, after what was seen before.
func (p *linphone) see(text string) {
	p.t.Helper()
	var printed string
	at := -1
	await.Within(patience, func() bool {
		ended := p.child.Ended() // what it prints last counts too
		printed = p.printed()
		at = strings.Index(printed[p.read:], text)
		return at >= 0 || ended
	})
	if at < 0 {
		p.t.Fatalf("linphonec does not print %q:\n%s", text, printed)
	}
	p.read += at + len(text)
}

func (p *linphone) dial(to e164.Number) {
	p.t.Helper()
	p.command(fmt.Sprintf("call sip:%s@%s%s", to.Reveal(), p.edge, p.params()))
}

// params are what its URIs say of its transport.
func (p *linphone) params() string {
	if p.over == "udp" {
		return ""
	}
	return ";transport=" + p.over
}

func (p *linphone) do(w wish, key string) {
	p.t.Helper()
	if w == resume {
		p.see("is now paused")
	}
	p.command(map[wish]string{hold: "pause", resume: "resume", press: key, hangUp: "terminate"}[w])
}

func (p *linphone) await(n news, key string) {
	p.t.Helper()
	p.see(map[news]string{established: "Media streams established", pressed: "Receiving tone " + key, closed: " ended ("}[n])
}

// said is the log, with every SIP message.
func (p *linphone) said() string {
	text, err := os.ReadFile(p.file("log"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// heard is the recording so far, at the rate of the codec. Its header is written
// at the end.
func (p *linphone) heard() []float64 {
	p.t.Helper()
	b, err := os.ReadFile(p.file("heard.wav"))
	if err != nil || len(b) < wavHeader {
		return nil
	}
	if rate := binary.LittleEndian.Uint32(b[24:]); rate != 0 && rate != sampleRate {
		p.t.Fatalf("linphone records %d samples a second", rate)
	}
	var samples []float64
	for b = b[wavHeader:]; len(b) >= 2; b = b[2:] {
		samples = append(samples, float64(int16(binary.LittleEndian.Uint16(b))))
	}
	return samples
}

func (p *linphone) quit() {
	_, _ = io.WriteString(p.keys, "quit\n")
	_ = p.keys.Close()
	if _, err := p.child.Wait(patience); err != nil {
		_ = p.child.Kill()
	}
}
