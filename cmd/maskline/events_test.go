package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/api/webhook"
	"maskline/numberdb"
	"maskline/smpp/pdu"
)

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
	w := servedWith(t, strings.Replace(testConfig, `api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", webhooks: {allow_private: [127.0.0.1/32]}}`, 1))
	c, r := w.c, w.running
	receivers := map[string]*hooks{"shop": {}, "": {}}
	for tenant, h := range receivers {
		receiver := httptest.NewServer(h)
		defer receiver.Close()
		h.mu.Lock()
		h.secret = w.as(tenant, "owner").endpoint(receiver.URL + "/hook")
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
	literal := regexp.MustCompile(`"((?:session|participant|lease|number|pool|call|optout|carrier|webhook|abuse|message|verification|out_of_session|quota)\.[a-z_]+)"`)
	told := map[string]bool{}
	for _, file := range []string{
		"events.go", "spending.go", "../../numberdb/event.go", "../../numberdb/sessions/events.go", "../../api/webhook/resource.go", "../../api/message/events.go",
		"../../api/verify/check.go", "../../api/events/traffic.go", "../../api/call/course.go",
	} {
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
		for _, found := range regexp.MustCompile("`([a-z_]+\\.[a-z_]+)`").FindAllStringSubmatch(first, -1) {
			documented[found[1]] = true
		}
	}
	offered := map[string]bool{"webhook.test": true}
	for _, t := range webhook.EventTypes() {
		offered[string(t)] = true
	}
	if diff := cmp.Diff(offered, documented); diff != "" {
		t.Errorf("what endpoints may ask for and page differ: %s", diff)
	}
	if diff := cmp.Diff(told, documented); diff != "" || len(told) < 20 {
		t.Errorf("%d types; code and page differ: %s", len(told), diff)
	}
}

// endpoint makes one and returns its secret.
func (w *web) endpoint(url string) string {
	w.t.Helper()
	g := w.ask(http.MethodPost, "/v1/webhook-endpoints", `{"url":"`+url+`"}`).want(http.StatusCreated)
	var made struct{ Secrets []struct{ Secret string } }
	if err := json.Unmarshal([]byte(g.text), &made); err != nil || len(made.Secrets) != 1 {
		w.t.Fatalf("%v: %s", err, g.text)
	}
	return made.Secrets[0].Secret
}

// A tenant hears of its quota before it has used it up, and when it has; once each.
func TestQuotasAreTold(t *testing.T) {
	hour := time.Now()
	c := newCLI(t)
	c.write("edge.yaml", strings.Replace(testConfig, "{name: shop}", "{name: shop, sessions: 5}", 1))
	r := startEdge(t, c)
	c.stock()
	told := func() (all []string) {
		found, err := r.store.Events(t.Context(), numberdb.EventQuery{Tenant: "shop", Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			if strings.HasPrefix(found[i].Type, "quota.") {
				all = append(all, found[i].Type+" "+string(found[i].Data))
			}
		}
		return all
	}
	for i := range 4 {
		c.pair("+44770090010"+strconv.Itoa(i), "+44770090020"+strconv.Itoa(i), "--tenant", "shop")
	}
	want := []string{`quota.warning {"quota":"sessions","used":4,"limit":5}`}
	r.eventually("the warning", func() bool { return slices.Equal(told(), want) })
	last := c.pair("+447700900109", "+447700900209", "--tenant", "shop")
	want = append(want, `quota.reached {"quota":"sessions","used":5,"limit":5}`)
	r.eventually("the limit", func() bool { return slices.Equal(told(), want) })
	c.at("sessions", "end", last.ID)
	r.eventually("it is counted as ended", func() bool { sessions, _ := r.protection.live.Has("shop"); return sessions == 4 })
	c.pair("+447700900108", "+447700900208", "--tenant", "shop")
	r.eventually("it is counted", func() bool { sessions, _ := r.protection.live.Has("shop"); return sessions == 5 })
	seen := map[string]quotaLevel{}
	r.tellQuotas(seen, hour) // of the same hour, as another edge or this one anew
	if seen["shop sessions"] != quotaReached || !slices.Equal(told(), want) {
		t.Errorf("%v, told %v", seen, told())
	}
}
