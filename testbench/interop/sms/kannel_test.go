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
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	kannelbox "maskline/testbench/kannel"
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

func startKannel(t *testing.T, edge *edge) *kannel {
	t.Helper()
	k := &kannel{reports: map[string][]int{}, addresses: map[string]reply{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/mo", k.message)
	mux.HandleFunc("/dlr", k.report)
	k.hook = httptest.NewServer(mux)
	t.Cleanup(k.hook.Close)
	dir := t.TempDir()
	log := func(box string) string {
		return fmt.Sprintf("log-level = 1\nlog-file = %s\n", filepath.Join(dir, box+".log"))
	}
	cfg := kannelbox.Config{
		Dir: dir, IP: loopback.Addr(), Box: log("smsbox"),
		Core: log("bearerbox") + "sms-resend-freq = 1\nsms-resend-retry = 600\nsms-combine-concatenated-mo = true\n",
		Binds: []kannelbox.Bind{{
			ID: "edge", SMSC: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(edge.port())), SystemID: "shop", Password: "sesame",
			Lines: kannelbox.International + fmt.Sprintf("max-pending-submits = %d\nenquire-link-interval = 10\n", kannelPending),
		}},
		User: "concatenation = true\nmax-messages = 10\n\ngroup = sms-service\nkeyword = default\ncatch-all = true\nmax-messages = 0\n" +
			fmt.Sprintf("get-url = \"%s/mo?from=%%p&to=%%P&coding=%%c&text=%%b\"\n", k.hook.URL),
	}
	if err := cfg.Ports(t.Context()); err != nil {
		t.Fatal(err)
	}
	file, err := cfg.Write()
	if err != nil {
		t.Fatal(err)
	}
	run(t, "bearerbox", file)
	waitPort(t, cfg.IP, int(cfg.SMSBox))
	run(t, "smsbox", file)
	waitPort(t, cfg.IP, int(cfg.SendSMS))
	k.sendURL = cfg.URL()
	return k
}

// run starts a program of Kannel's and ends it with the test.
func run(t *testing.T, box, file string) {
	t.Helper()
	child, err := kannelbox.Start(box, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if child.Stop(5*time.Second) != nil {
			_ = child.Kill()
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(filepath.Dir(file), box+".log"))
			t.Logf("%s: %s", box, log[max(0, len(log)-4000):])
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
