package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/auth"
	"maskline/api/rest"
	"maskline/api/webhook"
	"maskline/smpp/pdu"
)

// everybody is the operator.
type everybody struct{}

func (everybody) Authenticate(r *http.Request) (*auth.Identity, error) {
	return &auth.Identity{Key: "key_1", Tenant: r.Header.Get("Tenant"), Scopes: auth.Scopes()}, nil
}

// hooks is a webhook receiver that checks what it gets.
type hooks struct {
	mu     sync.Mutex
	secret string
	bodies []string
	wrong  []error
}

func (h *hooks) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := webhook.Verify(h.secret, r.Header, body, time.Now()); err != nil {
		h.wrong = append(h.wrong, err)
	}
	h.bodies = append(h.bodies, string(body))
}

// got reports whether an event of a type has come that holds a text.
func (h *hooks) got(kind, text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range h.bodies {
		if strings.Contains(body, `"type":"`+kind+`"`) && strings.Contains(body, text) {
			return true
		}
	}
	return false
}

// What an edge does reaches a receiver, signed and without a number.
func TestEventsReachAReceiver(t *testing.T) {
	c := newCLI(t)
	c.write("edge.yaml", strings.Replace(testConfig, `api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", webhooks: {allow_private: [127.0.0.1/32]}}`, 1))
	r := startEdge(t, c)
	c.stock()
	v1, err := rest.New(rest.Config{}, everybody{}, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	r.told.events.Register(v1)
	r.told.endpoints.Register(v1)
	server := httptest.NewServer(v1.Handler())
	defer server.Close()
	receivers := map[string]*hooks{"shop": {}, "": {}}
	for tenant, h := range receivers {
		receiver := httptest.NewServer(h)
		defer receiver.Close()
		h.mu.Lock()
		h.secret = registered(t, server.URL, tenant, receiver.URL)
		h.mu.Unlock()
	}

	s := c.pair("+447700900101", "+447700900202", "--tenant", "shop")
	brief := c.pair("+447700900103", "+447700900204", "--tenant", "shop", "--ttl", "1s")
	c.at("sessions", "end", s.ID)
	c.write("routes.csv", "mask,party,to,present,services,carriers,expires_at,tenant\n+442079460099,+447700900301,tel:+447700900302,+442079460098,sms,,,shop\n")
	c.at("routes", "import", "routes.csv")
	c.at("numbers", "watchlist", "+442079460011", "--why", "test")
	shop := receivers["shop"]
	r.eventually("the events of the sessions", func() bool {
		return shop.got("session.created", s.ID) && shop.got("session.closed", s.ID) && shop.got("session.expired", brief.ID)
	})
	r.eventually("the operator's", func() bool { return receivers[""].got("number.watchlisted", `"pool":"uk"`) })
	bind := bindShop(r)
	if status := bind.submit("447700900301", "442079460099", "STOP"); status != pdu.ROK {
		t.Logf("STOP was answered %#x", uint32(status)) // the opt-out is what counts
	}
	r.eventually("the opt-out", func() bool { return shop.got("optout.created", `"scope"`) })

	for tenant, h := range receivers {
		h.mu.Lock()
		for _, err := range h.wrong {
			t.Errorf("%q: %v", tenant, err)
		}
		for _, body := range h.bodies {
			for _, number := range []string{"7700900", "2079460", "60123"} {
				if strings.Contains(body, number) {
					t.Errorf("a number is in %s", body)
				}
			}
			if tenant == "" && strings.Contains(body, `"session.`) {
				t.Errorf("%q was posted %s", tenant, body)
			}
		}
		h.mu.Unlock()
	}
	for _, text := range []string{"whsec_", "/hook", "7700900101", "7700900202", "7700900301"} {
		if strings.Contains(string(r.log.bytes()), text) {
			t.Errorf("the log holds %s", text)
		}
		if strings.Contains(r.get("/metrics").body, text) {
			t.Errorf("the metrics hold %s", text)
		}
	}
}

// The page names exactly the types that the code tells.
func TestTypesOfEventsAreDocumented(t *testing.T) {
	literal := regexp.MustCompile(`"((?:session|participant|lease|number|pool|call|optout|carrier|webhook|abuse)\.[a-z_]+)"`)
	told := map[string]bool{}
	for _, file := range []string{"events.go", "../../numberdb/event.go", "../../numberdb/sessions/events.go", "../../api/webhook/resource.go", "../../api/call/course.go"} {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range literal.FindAllSubmatch(code, -1) {
			told[string(found[1])] = true
		}
	}
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Types\n")
	table, _, _ = strings.Cut(table, "\n## ")
	documented := map[string]bool{}
	for line := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, found := range regexp.MustCompile("`([a-z]+\\.[a-z_]+)`").FindAllStringSubmatch(first, -1) {
			documented[found[1]] = true
		}
	}
	if diff := cmp.Diff(told, documented); diff != "" || len(told) < 20 {
		t.Errorf("%d types; code and page differ: %s", len(told), diff)
	}
}

// registered makes an endpoint and returns its secret.
func registered(t *testing.T, api, tenant, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api+"/v1/webhook-endpoints", strings.NewReader(`{"url":"`+url+`/hook"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Tenant", tenant)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var made struct{ Secrets []struct{ Secret string } }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || len(made.Secrets) != 1 {
		t.Fatalf("%d: %v", resp.StatusCode, err)
	}
	return made.Secrets[0].Secret
}
