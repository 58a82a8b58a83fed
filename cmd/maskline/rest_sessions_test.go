package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
	"maskline/numberdb"
)

// routes reports whether a party who dials a mask reaches somebody.
func (w *web) routes(mask, party string) bool {
	_, status := w.table.Lookup(e164.MustParse(mask), e164.MustParse(party), time.Now())
	return status.Found()
}

func TestASessionByAPI(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "integrator")
	g := shop.ask(http.MethodPost, "/v1/sessions", `{"pool":"uk","participants":[{"number":"+447700900101"},
		{"number":"+447700900202","mask_region":{"country":"GB"}}],"ttl":3600,"label":"order of +447700900101"}`, idempotency, "order-1").want(http.StatusCreated)
	path, dial := "/v1/sessions/"+g.field("id"), g.dial()
	if g.header.Get("Location") != path || g.field("tenant") != "shop" || g.field("state") != "active" || strings.Contains(g.text, "7700900101") {
		t.Errorf("%v %s", g.header, g.text)
	}
	if !w.routes(dial[0], "+447700900101") || !w.routes(dial[1], "+447700900202") {
		t.Error("the call has returned, and the masks do not route")
	}

	// Again with the same key: the same session.
	for range 2 {
		again := shop.ask(http.MethodPost, "/v1/sessions", `{"pool":"uk","participants":[{"number":"+447700900101"},
		{"number":"+447700900202","mask_region":{"country":"GB"}}],"ttl":3600,"label":"order of +447700900101"}`, idempotency, "order-1").want(http.StatusCreated)
		if again.text != g.text || again.header.Get("Idempotent-Replayed") != "true" || again.header.Get("ETag") != g.header.Get("ETag") {
			t.Errorf("%v %s", again.header, again.text)
		}
	}
	shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "order-1").wantProblem(problem.IdempotencyMismatch)
	shop.ask(http.MethodPost, "/v1/sessions", onePair).wantProblem(problem.IdempotencyMissing)
	shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, strings.Repeat("x", 256)).wantProblem(problem.IdempotencyMissing)

	read := shop.ask(http.MethodGet, path, "").want(http.StatusOK)
	if read.text != g.text || read.header.Get("ETag") != g.header.Get("ETag") {
		t.Errorf("%s", read.text)
	}
	whole := w.as("shop", "integrator", "pii:read", "sessions:read").ask(http.MethodGet, path, "").want(http.StatusOK)
	if !strings.Contains(whole.text, "+447700900101") {
		t.Errorf("%s", whole.text)
	}

	// PATCH heeds If-Match.
	tag := g.header.Get("ETag")
	longer := shop.ask(http.MethodPatch, path, `{"ttl":7200}`, "If-Match", `"x", `+tag).want(http.StatusOK)
	if longer.header.Get("ETag") == tag || longer.field("expires_at") <= g.field("expires_at") {
		t.Errorf("%v %s", longer.header, longer.text)
	}
	shop.ask(http.MethodPatch, path, `{"ttl":1800}`, "If-Match", tag).wantProblem(problem.PreconditionFailed)
	if now := shop.ask(http.MethodGet, path, ""); now.text != longer.text || now.header.Get("ETag") != longer.header.Get("ETag") {
		t.Errorf("a refused change has changed it: %s", now.text)
	}
	shop.ask(http.MethodPatch, path, `{"ttl":300000000}`).wantProblem(problem.ValidationFailed)

	// Gone when DELETE returns, and closed for whatever comes then.
	ended := shop.ask(http.MethodDelete, path, "").want(http.StatusOK)
	if ended.field("state") != "released" || w.routes(dial[0], "+447700900101") || w.routes(dial[1], "+447700900202") {
		t.Errorf("%s", ended.text)
	}
	shop.ask(http.MethodDelete, path, "").want(http.StatusOK)
	shop.ask(http.MethodPatch, path, `{"ttl":60}`).wantProblem(problem.SessionClosed)
	shop.ask(http.MethodPost, path+"/rotate", "", idempotency, "r").wantProblem(problem.SessionClosed)
	if strings.Contains(string(w.log.bytes()), "7700900") {
		t.Error("a number is in the log")
	}
}

func TestRefusedSessionsByAPI(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "integrator")
	pair := func(a, b string) string {
		return fmt.Sprintf(`{"pool":"uk","participants":[{"number":%q},{"number":%q}]}`, a, b)
	}
	cases := []struct {
		name, body string
		code       problem.Code
		field      string
	}{
		{"national number", pair("07700900101", "+447700900202"), problem.InvalidNumber, "body.participants[0].number"},
		{"mask", pair("+442079460011", "+447700900202"), problem.NumberIsMask, ""},
		{"same number", pair("+447700900202", "+447700900202"), problem.ValidationFailed, "body.participants"},
		{"no such pool", strings.Replace(onePair, "uk", "us", 1), problem.ValidationFailed, "body.pool"},
		{"no participants", `{"pool":"uk","participants":[]}`, problem.ValidationFailed, "body.participants"},
		{"one participant", `{"pool":"uk","participants":[{"number":"+447700900101"}]}`, problem.ValidationFailed, "body.participants"},
		{"country", `{"pool":"uk","participants":[{"number":"+447700900101","mask_region":{"country":"FR"}},{"number":"+447700900202"}]}`, problem.PoolExhausted, "body.participants[0]"},
		{"another's account", `{"pool":"uk","participants":[{"number":"+447700900101","to":"smpp:cabs"},{"number":"+447700900202"}],"services":"sms"}`, problem.ValidationFailed, "body.participants[0].to"},
		{"a peer that is nobody's", `{"pool":"uk","participants":[{"number":"+447700900101","to":"sip:a@10.0.0.1"},{"number":"+447700900202"}]}`, problem.ValidationFailed, "body.participants[0].to"},
		{"another's tenant", strings.Replace(onePair, "{", `{"tenant":"taxi",`, 1), problem.ValidationFailed, "body.tenant"},
		{"long life", strings.Replace(onePair, "{", `{"ttl":300000000,`, 1), problem.ValidationFailed, "body.ttl"},
		{"label", strings.Replace(onePair, "{", `{"label":"a\u0001b",`, 1), problem.ValidationFailed, "body.label"},
		{"SQL", strings.Replace(onePair, "uk", "uk'; DROP TABLE sessions;--", 1), problem.ValidationFailed, "body.pool"},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := shop.ask(http.MethodPost, "/v1/sessions", c.body, idempotency, fmt.Sprint("refused-", i))
			g.t = t
			g.wantProblem(c.code)
			if c.field != "" && !strings.Contains(g.text, `"field":"`+c.field+`"`) {
				t.Errorf("%s is not told: %s", c.field, g.text)
			}
			for _, echo := range []string{"770090", "79460011", "DROP", "10.0.0.1", "cabs", "taxi"} {
				if strings.Contains(g.text, echo) {
					t.Errorf("the answer repeats %q: %s", echo, g.text)
				}
			}
		})
	}
	// A refused request may be sent again, corrected.
	shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "refused-0").want(http.StatusCreated)
}

func TestOneKeySentManyTimesAtOnce(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "integrator")
	var mu sync.Mutex
	made := map[string]int{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
				g := shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "the same")
				if g.status == http.StatusConflict {
					g.wantProblem(problem.IdempotencyConflict)
					continue
				}
				g.want(http.StatusCreated)
				mu.Lock()
				defer mu.Unlock()
				made[g.field("id")]++
				return
			}
			t.Error("it never ended")
		})
	}
	all.Wait()
	if len(made) != 1 {
		t.Errorf("%v", made)
	}
	if list := shop.listed("?live=true"); len(list) != 1 {
		t.Errorf("%d sessions", len(list))
	}
}

// listed are the sessions of pages.
func (w *web) listed(query string) (ids []string) {
	w.t.Helper()
	for cursor := ""; ; {
		g := w.ask(http.MethodGet, "/v1/sessions"+query+cursor, "").want(http.StatusOK)
		var page rest.List[rest.Session]
		if err := json.Unmarshal([]byte(g.text), &page); err != nil {
			w.t.Fatal(err)
		}
		for i := range page.Data {
			ids = append(ids, page.Data[i].ID)
		}
		if page.NextCursor == "" {
			return ids
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

func TestListsOfSessionsByAPI(t *testing.T) {
	w := served(t)
	shop, taxi := w.as("shop", "integrator"), w.as("taxi", "integrator")
	var mine []string
	for i := range 5 {
		body := fmt.Sprintf(`{"pool":"uk","participants":[{"number":"+44770090010%d"},{"number":"+44770090020%d"}]}`, i, i)
		mine = append(mine, shop.ask(http.MethodPost, "/v1/sessions", body, idempotency, fmt.Sprint(i)).want(http.StatusCreated).field("id"))
	}
	theirs := taxi.ask(http.MethodPost, "/v1/sessions", `{"pool":"uk","participants":[{"number":"+447700900301"},{"number":"+447700900302"}]}`,
		idempotency, "0").want(http.StatusCreated).field("id") // a key of another tenant is another key
	for _, limit := range []string{"1", "2", "5", "1000"} {
		if got := shop.listed("?limit=" + limit); !slices.Equal(got, mine) {
			t.Errorf("limit %s: %v, want %v", limit, got, mine)
		}
	}
	if got := shop.listed("?tenant=taxi&limit=9"); !slices.Equal(got, mine) {
		t.Errorf("another's: %v", got)
	}
	if got := w.listed("?tenant=taxi&limit=9"); !slices.Equal(got, []string{theirs}) {
		t.Errorf("the operator's view of one: %v", got)
	}
	if got := w.listed("?limit=4"); len(got) != 6 {
		t.Errorf("the operator's view of all: %v", got)
	}
	shop.ask(http.MethodDelete, "/v1/sessions/"+mine[0], "").want(http.StatusOK)
	if got := shop.listed("?live=true&limit=2"); !slices.Equal(got, mine[1:]) {
		t.Errorf("those that live: %v", got)
	}
	for path, code := range map[string]problem.Code{
		"?limit=0": problem.ValidationFailed, "?limit=1001": problem.ValidationFailed, "?limit=x": problem.ValidationFailed, "?cursor=%00": problem.ValidationFailed,
		"?live=perhaps": problem.ValidationFailed,
	} {
		shop.ask(http.MethodGet, "/v1/sessions"+path, "").wantProblem(code)
	}
	found := shop.ask(http.MethodPost, "/v1/sessions/search", `{"number":"+447700900103"}`).want(http.StatusOK)
	if !strings.Contains(found.text, mine[3]) || strings.Contains(found.text, mine[2]) {
		t.Errorf("search: %s", found.text)
	}
	if g := taxi.ask(http.MethodPost, "/v1/sessions/search", `{"number":"+447700900103"}`).want(http.StatusOK); strings.Contains(g.text, "ses_") {
		t.Errorf("another tenant's person is found: %s", g.text)
	}
}

func TestChangesOfSessionsByAPI(t *testing.T) {
	w := served(t)
	w.c.write("more.csv", maskHeader+"+442079460044,uk,long_code,GB,,sms+voice,,,,,free\n+442079460055,uk,long_code,GB,,sms+voice,,,,,free\n")
	w.c.at("numbers", "import", "more.csv")
	shop := w.as("shop", "integrator")
	group := shop.ask(http.MethodPost, "/v1/sessions", strings.Replace(onePair, "{", `{"shape":"group",`, 1), idempotency, "g").want(http.StatusCreated)
	path := "/v1/sessions/" + group.field("id")
	joined := shop.ask(http.MethodPost, path+"/participants", `{"number":"+447700900303"}`, idempotency, "j").want(http.StatusCreated)
	if len(joined.dial()) != 3 || !w.routes(joined.dial()[2], "+447700900303") {
		t.Errorf("%s", joined.text)
	}
	again := shop.ask(http.MethodPost, path+"/participants", `{"number":"+447700900303"}`, idempotency, "j").want(http.StatusCreated)
	if again.text != joined.text || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s", again.text)
	}
	shop.ask(http.MethodPost, path+"/participants", `{"number":"+447700900304"}`, idempotency, "j").wantProblem(problem.IdempotencyMismatch)
	shop.ask(http.MethodPost, path+"/participants", `{"number":"+442079460011"}`, idempotency, "m").wantProblem(problem.NumberIsMask)

	pair := shop.ask(http.MethodPost, "/v1/sessions", `{"pool":"uk","participants":[{"number":"+447700900401"},{"number":"+447700900402"}]}`,
		idempotency, "p").want(http.StatusCreated)
	path = "/v1/sessions/" + pair.field("id")
	shop.ask(http.MethodPost, path+"/participants", `{"number":"+447700900303"}`, idempotency, "k").wantProblem(problem.ValidationFailed)
	rotated := shop.ask(http.MethodPost, path+"/rotate", "", idempotency, "r").want(http.StatusOK)
	if slices.Equal(rotated.dial(), pair.dial()) || w.routes(pair.dial()[0], "+447700900401") || !w.routes(rotated.dial()[0], "+447700900401") {
		t.Errorf("%s", rotated.text)
	}
	if again := shop.ask(http.MethodPost, path+"/rotate", "", idempotency, "r").want(http.StatusOK); !slices.Equal(again.dial(), rotated.dial()) {
		t.Errorf("it was rotated again: %s", again.text)
	}
	burned := shop.ask(http.MethodPost, path+"/burn", "").want(http.StatusOK)
	if m, _ := w.sessions.Mask(e164.MustParse(rotated.dial()[0])); burned.field("state") != "burned" || m.State != numberdb.Watchlisted {
		t.Errorf("%s, its mask is %v", burned.text, m.State)
	}
}

func TestLeasesByAPI(t *testing.T) {
	w := served(t)
	w.c.at("numbers", "drain", "44:60123")
	shop, taxi := w.as("shop", "integrator"), w.as("taxi", "integrator")
	body := `{"pool":"uk","to":"smpp:shop","ttl":600,"region":{"country":"GB"}}`
	g := shop.ask(http.MethodPost, "/v1/leases", body, idempotency, "1").want(http.StatusCreated)
	path := "/v1/leases/" + g.field("id")
	if g.field("services") != "sms" || g.header.Get("Location") != path || !w.routes(g.field("number"), "+447700900999") {
		t.Errorf("%s", g.text)
	}
	if again := shop.ask(http.MethodPost, "/v1/leases", body, idempotency, "1").want(http.StatusCreated); again.text != g.text {
		t.Errorf("%s", again.text)
	}
	// Under the other name the key is another request's.
	shop.ask(http.MethodPost, "/v1/rpc/requestNumber", body, idempotency, "1").wantProblem(problem.IdempotencyMismatch)
	if read := shop.ask(http.MethodGet, path, "").want(http.StatusOK); read.text != g.text {
		t.Errorf("%s", read.text)
	}
	taxi.ask(http.MethodGet, path, "").wantProblem(problem.NotFound)
	shop.ask(http.MethodPost, "/v1/leases", strings.Replace(body, "smpp:shop", "smpp:cabs", 1), idempotency, "2").wantProblem(problem.ValidationFailed)
	shop.ask(http.MethodPatch, path, `{"ttl":900}`, "If-Match", g.header.Get("ETag")).want(http.StatusOK)

	rpc := shop.ask(http.MethodPost, "/v1/rpc/allocateNumber", body, idempotency, "3").want(http.StatusCreated)
	shop.ask(http.MethodPost, "/v1/leases", body, idempotency, "4").wantProblem(problem.PoolExhausted)
	session := shop.ask(http.MethodGet, "/v1/sessions/"+rpc.field("id"), "").want(http.StatusOK)
	if session.field("shape") != "lease" {
		t.Errorf("%s", session.text)
	}
	for _, reason := range []string{"ban", "done"} { // what is over stays as it is
		over := shop.ask(http.MethodPost, "/v1/rpc/releaseNumber", fmt.Sprintf(`{"id":%q,"reason":%q}`, rpc.field("id"), reason)).want(http.StatusOK)
		if over.field("state") != "burned" || w.routes(rpc.field("number"), "+447700900999") {
			t.Errorf("%s", over.text)
		}
	}
	taxi.ask(http.MethodPost, "/v1/rpc/releaseNumber", fmt.Sprintf(`{"id":%q}`, g.field("id"))).wantProblem(problem.NotFound)
	taxi.ask(http.MethodPost, path+"/release", `{}`).wantProblem(problem.NotFound)
	var list rest.List[rest.Lease]
	if err := json.Unmarshal([]byte(shop.ask(http.MethodGet, "/v1/leases?live=true", "").want(http.StatusOK).text), &list); err != nil || len(list.Data) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	if over := shop.ask(http.MethodPost, path+"/release", `{"reason":"done"}`).want(http.StatusOK); over.field("state") != "released" || w.routes(g.field("number"), "+447700900999") {
		t.Errorf("%s", over.text)
	}
	shop.ask(http.MethodPatch, path, `{"ttl":900}`).wantProblem(problem.LeaseExpired)
	shop.ask(http.MethodDelete, path, "").want(http.StatusOK)
}
