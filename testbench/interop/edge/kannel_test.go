//go:build peers

package edge

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"testing"

	"maskline/e164"
	kannelbox "maskline/testbench/kannel"
	"maskline/testbench/loopback"
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

func (b *bed) startKannel() *kannel {
	b.t.Helper()
	k := &kannel{b: b, reports: map[string][]string{}}
	k.hook = httptest.NewServer(http.HandlerFunc(k.report))
	b.t.Cleanup(k.hook.Close)
	cfg := kannelbox.Config{Dir: b.t.TempDir(), IP: loopback.Addr(), Binds: []kannelbox.Bind{{
		ID: "edge", SMSC: b.edge.Listeners().SMPP[0], SystemID: "shop", Password: "demo", Lines: kannelbox.International,
	}}}
	if err := cfg.Ports(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	k.send = cfg.URL()
	file, err := cfg.Write()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, box := range []struct {
		name string
		port uint16
	}{{"bearerbox", cfg.SMSBox}, {"smsbox", cfg.SendSMS}} {
		child, err := kannelbox.Start(box.name, file)
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() {
			if child.Stop(patience) != nil {
				_ = child.Kill()
			}
		})
		b.eventually(box.name+" listens", func() bool {
			conn, err := net.Dial("tcp", netip.AddrPortFrom(cfg.IP, box.port).String())
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
