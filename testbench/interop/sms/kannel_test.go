//go:build peers

package sms

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"maskline/testbench/loopback"
)

// kannel is an aggregator: bearerbox bound to an account of the edge, smsbox in
// front of it, and the web server that both report to.
type kannel struct {
	sendURL string
	hook    *httptest.Server

	mu        sync.Mutex
	delivered []reply          // messages that came for it
	reports   map[string][]int // by our tag: 8 accepted by the edge, 16 refused, 1 delivered, 2 failed
	addresses map[string]reply // by our tag: the addresses of the last report
}

// reply is a message, or a report's addresses.
type reply struct{ from, to, text, coding string }

// kannelPending is how many requests Kannel leaves unanswered.
const kannelPending = 10

const kannelConfig = `
group = core
admin-port = %[1]d
admin-interface = %[8]s
admin-password = secret
smsbox-port = %[2]d
smsbox-interface = %[8]s
box-allow-ip = 127.0.0.1
log-level = 1
log-file = %[6]s/bearerbox.log
dlr-storage = internal
sms-resend-freq = 1
sms-resend-retry = 600
sms-combine-concatenated-mo = true

group = smsc
smsc = smpp
smsc-id = edge
host = 127.0.0.1
port = %[4]d
transceiver-mode = true
smsc-username = shop
smsc-password = sesame
system-type = ""
interface-version = 34
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1
max-pending-submits = %[7]d
enquire-link-interval = 10
reconnect-delay = 1

group = smsbox
bearerbox-host = %[8]s
sendsms-port = %[3]d
sendsms-interface = %[8]s
log-level = 1
log-file = %[6]s/smsbox.log

group = sendsms-user
username = test
password = test
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "%[5]s/mo?from=%%p&to=%%P&coding=%%c&text=%%b"
`

// freePorts asks the kernel for ports of an address that nobody uses.
func freePorts(t *testing.T, ip netip.Addr, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", netip.AddrPortFrom(ip, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func startKannel(t *testing.T, edge *edge) *kannel {
	t.Helper()
	k := &kannel{reports: map[string][]int{}, addresses: map[string]reply{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/mo", k.message)
	mux.HandleFunc("/dlr", k.report)
	k.hook = httptest.NewServer(mux)
	t.Cleanup(k.hook.Close)
	dir := t.TempDir()
	ip := loopback.Addr()
	ports := freePorts(t, ip, 3)
	config := filepath.Join(dir, "kannel.conf")
	text := fmt.Sprintf(kannelConfig, ports[0], ports[1], ports[2], edge.port(), k.hook.URL, dir, kannelPending, ip)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "bearerbox", config)
	waitPort(t, ip, ports[1])
	run(t, dir, "smsbox", config)
	waitPort(t, ip, ports[2])
	k.sendURL = fmt.Sprintf("http://%s:%d/cgi-bin/sendsms", ip, ports[2])
	return k
}

// run starts a program of Kannel's and ends it with the test.
func run(t *testing.T, dir, name, config string) {
	t.Helper()
	path := name
	if _, err := exec.LookPath(name); err != nil {
		path = filepath.Join("/usr/sbin", name) // not on everybody's PATH
	}
	cmd := exec.Command(path, "-v", "4", config)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatalf("Kannel is needed (Debian: kannel): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, name+".log"))
			t.Logf("%s: %s", name, log[max(0, len(log)-4000):])
		}
	})
}

func waitPort(t *testing.T, ip netip.Addr, port int) {
	t.Helper()
	eventually(t, fmt.Sprint("port ", port, " is open"), func() bool {
		conn, err := net.Dial("tcp", netip.AddrPortFrom(ip, uint16(port)).String())
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

func (k *kannel) message(_ http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.delivered = append(k.delivered, reply{q.Get("from"), q.Get("to"), q.Get("text"), q.Get("coding")})
}

func (k *kannel) report(_ http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	kind, _ := strconv.Atoi(q.Get("type"))
	k.mu.Lock()
	defer k.mu.Unlock()
	tag := q.Get("tag")
	k.reports[tag] = append(k.reports[tag], kind)
	k.addresses[tag] = reply{from: q.Get("from"), to: q.Get("to")}
}

// reported counts the tags that have a report of this kind.
func (k *kannel) reported(kind int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, kinds := range k.reports {
		for _, got := range kinds {
			if got == kind {
				n++
				break
			}
		}
	}
	return n
}

// send hands a message to smsbox. Reports about it come with the tag.
func (k *kannel) send(t *testing.T, tag, from, to, text string, ucs2 bool) {
	t.Helper()
	back := fmt.Sprintf("%s/dlr?tag=%s&type=%%d&from=%%p&to=%%P", k.hook.URL, url.QueryEscape(tag))
	q := url.Values{
		"username": {"test"}, "password": {"test"}, "from": {from}, "to": {to}, "text": {text},
		"charset": {"UTF-8"}, "dlr-mask": {"31"}, "dlr-url": {back},
	}
	if ucs2 {
		q.Set("coding", "2")
	}
	resp, err := http.Get(k.sendURL + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("smsbox: %s: %s", resp.Status, body)
	}
}
