//go:build peers

package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/testbench/pgtest"
)

// servedByPostgres is servedWith on a database of its own.
func servedByPostgres(t *testing.T, config string) (*web, *pgtest.Server) {
	t.Helper()
	server := pgtest.ForTest(t, "masks")
	return servedWith(t, onPostgres(config, server)), server
}

func onPostgres(config string, server *pgtest.Server) string {
	return strings.Replace(config, "data_dir: data", "data_dir: data\ndatabase: {url: \""+server.URL("masks")+"\"}", 1)
}

func TestHostileAddressesOnPostgres(t *testing.T) {
	w, _ := servedByPostgres(t, twoTenants)
	w.hostileAddresses()
	for path, body := range map[string]string{
		"/v1/sessions/search": `{"number":"+447700900101","tenant":"a\u0000"}`, "/v1/consents/search": `{"number":"+447700900101","tenant":"a\u0000"}`,
		"/v1/workflows": `{"name":"a\u0000","template":"{code}","pool":"uk"}`, "/v1/webhook-endpoints": `{"url":"https://93.184.216.34/hook","label":"a\u0000"}`,
		"/v1/consents": `{"number":"+447700900303","text":"yes","method":"a\u0000"}`, "/v1/optouts": `{"number":"+447700900303","tenant":"a\u0000"}`,
		"/v1/keys": `{"role":"owner","label":"a\u0000"}`, "/v1/pools": `{"name":"a\u0000"}`, "/v1/numbers": `{"numbers":[{"number":"+442079460044","region":"a\u0000"}]}`,
		"/v1/sessions": `{"pool":"uk","label":"a\u0000","participants":[{"number":"+447700900101"},{"number":"+447700900202"}]}`,
	} {
		if g := w.ask(http.MethodPost, path, body, idempotency, "NUL"); g.status < 400 || g.status >= 500 {
			t.Errorf("%s: %d %s", path, g.status, g.text)
		}
	}
}

func TestTheStoreIsKilledDuringWrites(t *testing.T) {
	w, server := servedByPostgres(t, hastyConfig)
	w.storeGoesAway(server.Kill, func() error { return server.Restart(t.Context()) })
}

// The store stops: what routes goes on, writes are told to come back, and nothing is
// half-done when it is there again.
func TestTheAPIWhileTheStoreIsAway(t *testing.T) {
	w, server := servedByPostgres(t, twoTenants)
	shop := w.as("shop", "integrator")
	stood := shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "before").want(http.StatusCreated)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	body := func(i int) string {
		return fmt.Sprintf(`{"pool":"uk","participants":[{"number":"+44770090030%d"},{"number":"+44770090040%d"}]}`, i, i)
	}
	for i := range 5 {
		g := shop.ask(http.MethodPost, "/v1/sessions", body(i), idempotency, fmt.Sprint("away-", i)).wantProblem(problem.StorageUnavailable)
		if g.header.Get("Retry-After") == "" {
			t.Error("it does not say when to come back")
		}
	}
	shop.ask(http.MethodGet, "/v1/sessions/"+stood.field("id"), "").wantProblem(problem.StorageUnavailable)
	w.ask(http.MethodPost, "/v1/keys", `{"role":"owner"}`).wantProblem(problem.StorageUnavailable)
	shop.ask(http.MethodPost, "/v1/optouts", `{"number":"+447700900101"}`).wantProblem(problem.StorageUnavailable)
	if dial := stood.dial(); !w.routes(dial[0], "+447700900101") {
		t.Error("what was routed is not any more")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{stood.field("id"): true}
	for i := range 5 {
		w.eventually("the same request is done", func() bool {
			g := shop.ask(http.MethodPost, "/v1/sessions", body(i), idempotency, fmt.Sprint("away-", i))
			if g.status == http.StatusCreated {
				made[g.field("id")] = true
			}
			return g.status == http.StatusCreated
		})
	}
	if list := shop.listed("?live=true&limit=100"); len(list) != len(made) || len(made) != 6 {
		t.Errorf("%d sessions live, %d were answered", len(list), len(made))
	}
	if strings.Contains(string(w.log.bytes()), "7700900") {
		t.Error("a number is in the log")
	}
}

// What one edge revokes another on the same database refuses in about a second, and
// an idempotency key is one for both.
func TestTwoEdgesOfOneAPI(t *testing.T) {
	w, server := servedByPostgres(t, twoTenants)
	other := newCLI(t)
	other.write("edge.yaml", onPostgres(twoTenants, server))
	key, err := os.ReadFile(w.c.path("data/master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(other.path("data"), 0o700); err != nil {
		t.Fatal(err)
	}
	other.write("data/master.key", string(key))
	r := startEdge(t, other)
	second := &web{running: r, c: other, url: r.url(), key: w.key, contract: w.contract}
	second.eventually("the other edge knows the key", func() bool { return second.ask(http.MethodGet, "/v1/keys", "").status == http.StatusOK })
	if _, err := os.Stat(other.path("data/admin.key")); err == nil {
		t.Error("a second admin key was made")
	}
	shop := w.as("shop", "integrator")
	there := second.with(shop.key)
	there.eventually("the other edge knows the new key", func() bool { return there.ask(http.MethodGet, "/v1/sessions", "").status == http.StatusOK })
	made := shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	again := there.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	if made.field("id") != again.field("id") || !there.routes(again.dial()[0], "+447700900101") {
		t.Errorf("%s\n%s", made.text, again.text)
	}
	token := there.with(w.form("grant_type=client_credentials&client_id=" + shop.clientID() + "&client_secret=" + shop.key).want(http.StatusOK).field("access_token"))
	token.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	for _, id := range w.keysBeginning(shop.key) {
		w.ask(http.MethodDelete, "/v1/keys/"+id, "").want(http.StatusOK)
	}
	shop.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	revoked := time.Now()
	there.eventually("the other edge refuses it", func() bool { return there.ask(http.MethodGet, "/v1/sessions", "").status != http.StatusOK })
	token.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	t.Logf("refused after %v", time.Since(revoked).Round(time.Millisecond))
}
