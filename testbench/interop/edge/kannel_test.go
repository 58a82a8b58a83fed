//go:build peers

package edge

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"maskline/e164"
)

// kannel is an aggregator bound to the shop's account: bearerbox, smsbox in front of
// it, and the web server that hears what became of its messages.
type kannel struct {
	b    *bed
	send string
	hook *httptest.Server

	mu      sync.Mutex
	reports map[string][]string // by text: 8 accepted by the edge, 16 refused by it
}

const kannelConfig = `
group = core
admin-port = %[1]d
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = %[2]d
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = edge
host = %[4]s
port = %[5]d
transceiver-mode = true
smsc-username = shop
smsc-password = demo
system-type = ""
interface-version = 34
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %[3]d
sendsms-interface = 127.0.0.1

group = sendsms-user
username = test
password = test
`

func (b *bed) startKannel() *kannel {
	b.t.Helper()
	k := &kannel{b: b, reports: map[string][]string{}}
	k.hook = httptest.NewServer(http.HandlerFunc(k.report))
	b.t.Cleanup(k.hook.Close)
	ports := b.freePorts()
	config := filepath.Join(b.t.TempDir(), "kannel.conf")
	edge := b.edge.Listeners().SMPP[0]
	text := fmt.Sprintf(kannelConfig, ports[0], ports[1], ports[2], edge.Addr(), edge.Port())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	k.send = fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", ports[2])
	return k.run(config, ports)
}

// freePorts asks the kernel for ports that nobody uses.
func (b *bed) freePorts() (ports [3]int) {
	b.t.Helper()
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.t.Fatal(err)
		}
		defer l.Close() // not before all are known
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

func (k *kannel) run(config string, ports [3]int) *kannel {
	k.b.t.Helper()
	for i, box := range []string{"bearerbox", "smsbox"} {
		path := box
		if _, err := exec.LookPath(box); err != nil {
			path = filepath.Join("/usr/sbin", box) // not on everybody's PATH
		}
		cmd := exec.Command(path, "-v", "4", config)
		cmd.Dir = filepath.Dir(config)
		if err := cmd.Start(); err != nil {
			k.b.t.Fatalf("Kannel is needed: %v", err)
		}
		k.b.t.Cleanup(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			killer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			defer killer.Stop()
			_ = cmd.Wait()
		})
		k.b.eventually(box+" listens", func() bool {
			conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", ports[1+i]))
			if err != nil {
				return false
			}
			conn.Close()
			return true
		})
	}
	return k
}

func (k *kannel) report(_ http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tag := r.URL.Query().Get("tag")
	k.reports[tag] = append(k.reports[tag], r.URL.Query().Get("type"))
}

// write hands a text to smsbox, and wants Kannel to hear this of it.
func (k *kannel) write(from, to e164.Number, text, report string) {
	k.b.t.Helper()
	resp, err := http.Get(k.send + "?" + url.Values{
		"username": {"test"}, "password": {"test"}, "from": {from.Reveal()}, "to": {to.Reveal()}, "text": {text}, "dlr-mask": {"31"},
		"dlr-url": {k.hook.URL + "?type=%d&tag=" + url.QueryEscape(text)},
	}.Encode())
	if err != nil {
		k.b.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		k.b.t.Fatalf("smsbox: %s", resp.Status)
	}
	k.b.eventually("Kannel hears "+report+" of its message", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return slices.Contains(k.reports[text], report)
	})
}

// A tenant's application writes to one of the people from the mask that this one
// dials, for as long as the session lasts.
func TestKannelWritesFromTheMaskOfASession(t *testing.T) {
	m := newMasked(t, "any", anyHost)
	s := m.between([]e164.Number{customer, driver})
	k := m.startKannel()
	m.eventually("Kannel is bound", func() bool { return m.metrics().Sum("maskline_smpp_binds", "peer", "shop") > 0 })
	k.write(s.dial(0), customer, "your driver is here", "8")
	m.eventually("node-smpp tells of it", func() bool { return len(m.submitted("alfa")) == 1 })
	if got := m.submitted("alfa")[0]; got.From != digits(s.dial(0)) || got.To != digits(customer) || got.Text != "your driver is here" {
		t.Error("another text, or the addresses are not the session's")
	}
	m.reach(customer, s.dial(0), "alfa", driver) // who answers writes to the driver
	m.session("end", s.ID)
	k.write(s.dial(0), customer, "how was it?", "16")
	if n := len(m.submitted("alfa")); n != 2 {
		t.Errorf("%d messages were sent on", n)
	}
	m.finish(map[string]int{"SMPP to a carrier": 3, "SMPP to an account": 3})
}
