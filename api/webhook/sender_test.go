package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"maskline/numberdb"
)

func TestAddresses(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32"), netip.MustParsePrefix("::ffff:172.16.5.0/120")}
	a := newAddresses(allowed)
	for text, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "64:ff9b::8.8.8.8": true, "::ffff:8.8.8.8": true,
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::5": true, "172.16.5.9": true, "64:ff9b::10.1.2.3": true,
		"10.2.0.1": false, "::ffff:10.2.0.1": false, "127.0.0.1": false, "127.255.1.1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false, "169.254.169.254": false, "168.63.129.16": false, "::ffff:169.254.169.254": false, "fe80::1": false,
		"fe80::1%eth0": false, "2606:2800:220::1%eth0": false, "fd00:ec2::254": false, "fc00::1": false, "100.64.0.1": false, "100.127.255.255": false, "172.16.6.1": false,
		"172.31.0.1": false, "192.168.1.1": false, "192.0.0.170": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.7": false, "203.0.113.7": false, "224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false, "255.255.255.255": false, "ff02::1": false,
		"2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "64:ff9b::127.0.0.1": false, "64:ff9b::169.254.169.254": false,
		"64:ff9b:1::8.8.8.8": false, "100::1": false, "3fff::1": false, "5f00::1": false, "fec0::1": false,
	} {
		if got := a.check(netip.MustParseAddr(text)) == nil; got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
	if a.check(netip.Addr{}) == nil {
		t.Error("no address is one")
	}
}

// endpointAt is an endpoint at a URL.
func endpointAt(url string) *numberdb.WebhookEndpoint {
	return &numberdb.WebhookEndpoint{ID: 1, Tenant: "shop", URL: url, Secrets: []numberdb.WebhookSecret{NewSecret(false)}}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

func post(t *testing.T, cfg SenderConfig, url string) Result {
	t.Helper()
	s := NewSender(cfg, time.Now)
	defer s.Close()
	return s.Post(t.Context(), endpointAt(url), "evt_1", []byte(`{}`))
}

func TestPosts(t *testing.T) {
	secret := NewSecret(false)
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if id, err := Verify(Shown(&secret), r.Header, body, time.Now()); err != nil || id != "evt_1" {
			t.Errorf("%q %v", id, err)
		}
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/busy":
			w.Header().Set("Retry-After", "77")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/endless":
			w.WriteHeader(http.StatusOK)
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 4096))
			}
		case "/silent":
			<-r.Context().Done()
		case "/cut":
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	s := NewSender(SenderConfig{AllowPrivate: loopback, Timeout: 300 * time.Millisecond}, time.Now)
	defer s.Close()
	for path, want := range map[string]Result{
		"/":         {Status: 200, Outcome: OutcomeOK},
		"/redirect": {Status: 307, Outcome: OutcomeRedirect},
		"/gone":     {Status: 410, Outcome: OutcomeGone},
		"/busy":     {Status: 429, Outcome: OutcomeThrottled, RetryAfter: 77 * time.Second},
		"/broken":   {Status: 500, Outcome: OutcomeStatus},
		"/endless":  {Status: 200, Outcome: OutcomeOK},
		"/silent":   {Outcome: OutcomeTimeout},
		"/cut":      {Outcome: OutcomeConnection},
	} {
		to := endpointAt(server.URL + path)
		to.Secrets = []numberdb.WebhookSecret{secret}
		got := s.Post(t.Context(), to, "evt_1", []byte(`{"type":"a.b"}`))
		if got.Status != want.Status || got.Outcome != want.Outcome || got.RetryAfter != want.RetryAfter || got.Took > 5*time.Second {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	t.Setenv("HTTP_PROXY", other.URL)
	to := endpointAt(server.URL)
	to.Secrets = []numberdb.WebhookSecret{secret}
	if got := s.Post(t.Context(), to, "evt_1", nil); !got.OK() || elsewhere.Load() != 0 {
		t.Errorf("by a proxy of the environment: %+v", got)
	}
}

func TestWhatMayNotBePostedTo(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer secure.Close()
	port := server.Listener.Addr().(*net.TCPAddr).AddrPort().Port()
	at := func(host string) string {
		return "http://" + netip.AddrPortFrom(netip.MustParseAddr(host), port).String()
	}
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for name, c := range map[string]struct {
		cfg  SenderConfig
		url  string
		want string
	}{
		"loopback":                      {SenderConfig{}, server.URL, OutcomeAddress},
		"loopback by https":             {SenderConfig{TLS: &tls.Config{RootCAs: roots}}, secure.URL, OutcomeAddress},
		"mapped":                        {SenderConfig{}, at("::ffff:127.0.0.1"), OutcomeAddress},
		"by number":                     {SenderConfig{}, "http://2130706433:" + server.URL[strings.LastIndex(server.URL, ":")+1:], ""},
		"https, allowed":                {SenderConfig{AllowPrivate: loopback, TLS: &tls.Config{RootCAs: roots}}, secure.URL, OutcomeOK},
		"https of an unknown one":       {SenderConfig{AllowPrivate: loopback}, secure.URL, OutcomeTLS},
		"http to a public one":          {SenderConfig{AllowPrivate: loopback}, "http://93.184.216.34/", OutcomeAddress},
		"http to another private one":   {SenderConfig{AllowPrivate: loopback}, at("127.0.0.2"), OutcomeAddress},
		"https to a port without TLS":   {SenderConfig{AllowPrivate: loopback}, "https" + strings.TrimPrefix(server.URL, "http"), OutcomeConnection},
		"a port that nobody listens on": {SenderConfig{AllowPrivate: loopback}, "http://127.0.0.1:1/", OutcomeConnection},
	} {
		before := asked.Load()
		c.cfg.Timeout = 2 * time.Second
		got := post(t, c.cfg, c.url)
		if c.want != "" && got.Outcome != c.want || c.want != OutcomeOK && asked.Load() != before {
			t.Errorf("%s: %+v, asked %d times", name, got, asked.Load()-before)
		}
	}
	s := NewSender(SenderConfig{AllowPrivate: loopback}, time.Now)
	for text, fine := range map[string]bool{
		"https://example.com/": true, "http://127.0.0.1:80/": true, "https://127.0.0.1/": true, "http://example.com/": true, "https://127.0.0.2/": false,
		"http://8.8.8.8/": false, "https://[::1]/": false, "https://[::ffff:169.254.169.254]/": false,
	} {
		if err := s.CheckURL(text); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// nameServer answers with one address after another.
type nameServer struct {
	mu      sync.Mutex
	answers []netip.Addr
	asked   int
}

func (n *nameServer) serve(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		if q.Type == dnsmessage.TypeA {
			n.mu.Lock()
			addr := n.answers[min(n.asked, len(n.answers)-1)]
			n.asked++
			n.mu.Unlock()
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: addr.As4()},
			}}
		}
		if packed, err := m.Pack(); err == nil {
			_, _ = conn.WriteTo(packed, from)
		}
	}
}

// A name that leads to a public address when it is looked at, and inside when it
// is posted to, gains nothing: what counts is the address of the socket.
func TestANameThatChanges(t *testing.T) {
	var asked atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	names := &nameServer{answers: []netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("127.0.0.1")}}
	var serving sync.WaitGroup
	serving.Go(func() { names.serve(conn) })
	defer serving.Wait()
	defer func() { _ = conn.Close() }()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	target, _ := url.Parse(inside.URL)
	name := "https://changes.example:" + target.Port()
	s := NewSender(SenderConfig{Resolver: resolver, Timeout: 5 * time.Second}, time.Now)
	defer s.Close()
	found, err := resolver.LookupNetIP(t.Context(), "ip4", "changes.example")
	if err != nil || s.known.check(found[0]) != nil {
		t.Fatalf("at first %v, %v", found, err)
	}
	if got := s.Post(t.Context(), endpointAt(name), "evt_1", nil); got.Outcome != OutcomeAddress {
		t.Errorf("%+v", got)
	}
	if asked.Load() != 0 {
		t.Error("it was posted inside")
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	if names.asked < 2 {
		t.Errorf("the name was looked up %d times", names.asked)
	}
}
