package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"maskline/api/problem"
	"maskline/api/rest"
)

func TestNumbersByAPI(t *testing.T) {
	w := served(t)
	w.as("shop", "owner").ask(http.MethodGet, "/v1/numbers", "").wantProblem(problem.InsufficientScope)
	written := w.ask(http.MethodPost, "/v1/numbers", `{"pool":"uk","numbers":[{"number":"+442079460044","country":"GB","presents":["bravo"],"cost":"1.25"},
		{"number":"+442079460055","state":"watchlisted","flags":["registered"]}]}`).want(http.StatusOK)
	if written.body["written"] != 2.0 {
		t.Errorf("%s", written.text)
	}
	one := w.ask(http.MethodGet, "/v1/numbers/+442079460044", "").want(http.StatusOK)
	var n rest.Number
	if err := json.Unmarshal([]byte(one.text), &n); err != nil || n.Pool != "uk" || n.Cost != "1.25" || len(n.History) != 1 || !strings.HasPrefix(n.History[0].Actor, "key_") {
		t.Errorf("%s", one.text)
	}
	var all []string
	for cursor := ""; ; {
		g := w.ask(http.MethodGet, "/v1/numbers?pool=uk&limit=2"+cursor, "").want(http.StatusOK)
		var page rest.List[rest.Number]
		if err := json.Unmarshal([]byte(g.text), &page); err != nil {
			t.Fatal(err)
		}
		for i := range page.Data {
			all = append(all, page.Data[i].Number)
		}
		if page.NextCursor == "" {
			break
		}
		cursor = "&cursor=" + page.NextCursor
	}
	if len(all) != 6 {
		t.Errorf("%v", all)
	}
	if g := w.ask(http.MethodGet, "/v1/numbers?state=watchlisted&country=GB", "").want(http.StatusOK); strings.Count(g.text, `"number"`) != 1 {
		t.Errorf("%s", g.text)
	}
	bad := w.ask(http.MethodPost, "/v1/numbers", `{"numbers":[{"number":"+442079460066"},{"number":"12"},{"number":"+442079460077","carrier":"charlie"}]}`)
	bad.wantProblem(problem.ValidationFailed)
	if !strings.Contains(bad.text, "body.numbers[1]") || !strings.Contains(bad.text, "body.numbers[2]") || strings.Contains(bad.text, "charlie") {
		t.Errorf("%s", bad.text)
	}
	w.ask(http.MethodGet, "/v1/numbers/+442079460066", "").wantProblem(problem.NotFound)
	w.ask(http.MethodPost, "/v1/numbers", `{"numbers":[{"number":"+442079460066\n+442079460077"}]}`).wantProblem(problem.ValidationFailed)
	w.ask(http.MethodPost, "/v1/numbers", `{"pool":"us","numbers":[{"number":"+442079460066"}]}`).wantProblem(problem.ValidationFailed)

	changed := w.ask(http.MethodPost, "/v1/numbers/states", `{"numbers":["+442079460044","+442079460055"],"state":"draining","why":"moved"}`).want(http.StatusOK)
	if changed.body["changed"] != 2.0 {
		t.Errorf("%s", changed.text)
	}
	w.ask(http.MethodPost, "/v1/numbers/states", `{"numbers":["+442079460044"],"state":"free","why":"for +447700900101"}`).wantProblem(problem.ValidationFailed)
	lease := w.ask(http.MethodPost, "/v1/leases", `{"pool":"uk","to":"tel:+447700900101"}`, idempotency, "1").want(http.StatusCreated)
	w.ask(http.MethodPost, "/v1/numbers/states", `{"numbers":["`+lease.field("number")+`"],"state":"draining"}`).wantProblem(problem.CapabilityUnavailable)
	if history := w.ask(http.MethodGet, "/v1/numbers/+442079460044", ""); !strings.Contains(history.text, `"why":"moved"`) {
		t.Errorf("%s", history.text)
	}
}

func TestPoolsByAPI(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "owner")
	made := w.ask(http.MethodPost, "/v1/pools", `{"name":"own","tenant":"shop"}`).wantProblem(problem.ValidationFailed)
	if !strings.Contains(made.text, "body.name") {
		t.Errorf("%s", made.text)
	}
	w.ask(http.MethodPost, "/v1/pools", `{"name":"mine","tenant":"shop","ttl":3600,"max_ttl":7200,"parties_per_mask":3,"selection":"pinned","second":true}`).want(http.StatusCreated)
	w.ask(http.MethodPost, "/v1/pools", `{"name":"mine"}`).wantProblem(problem.ValidationFailed)
	w.ask(http.MethodPost, "/v1/pools", `{"name":"theirs","tenant":"nobody"}`).wantProblem(problem.ValidationFailed)
	shop.ask(http.MethodPost, "/v1/pools", `{"name":"more"}`).wantProblem(problem.InsufficientScope)
	w.ask(http.MethodPatch, "/v1/pools/mine", `{"ttl":1800}`).want(http.StatusOK)
	g := shop.ask(http.MethodGet, "/v1/pools/mine", "").want(http.StatusOK)
	if g.body["ttl"] != 1800.0 || g.body["max_ttl"] != 7200.0 || g.body["parties_per_mask"] != 3.0 || g.field("selection") != "pinned" || g.body["second"] != true {
		t.Errorf("%s", g.text)
	}
	shop.ask(http.MethodGet, "/v1/pools/mine/health", "").want(http.StatusOK)
	shop.ask(http.MethodGet, "/v1/pools/uk/health", "").wantProblem(problem.NotFound) // what others do with it
	w.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	if health := w.ask(http.MethodGet, "/v1/pools/uk/health", "").want(http.StatusOK); health.body["live"] != 2.0 {
		t.Errorf("%s", health.text)
	}
	list := w.ask(http.MethodGet, "/v1/pools?limit=1", "").want(http.StatusOK)
	if strings.Count(list.text, `"name"`) != 1 || list.field("next_cursor") == "" {
		t.Errorf("%s", list.text)
	}
	w.ask(http.MethodDelete, "/v1/pools/uk", "").wantProblem(problem.CapabilityUnavailable)
	w.ask(http.MethodDelete, "/v1/pools/mine", "").want(http.StatusNoContent)
	w.ask(http.MethodDelete, "/v1/pools/mine", "").wantProblem(problem.NotFound)
	if carriers := w.ask(http.MethodGet, "/v1/carriers", "").want(http.StatusOK); !strings.Contains(carriers.text, `"carrier":"alfa"`) {
		t.Errorf("%s", carriers.text)
	}
	shop.ask(http.MethodGet, "/v1/carriers", "").wantProblem(problem.InsufficientScope)
}

func TestOptOutsAndBlocksByAPI(t *testing.T) {
	w := served(t)
	shop, taxi := w.as("shop", "integrator"), w.as("taxi", "integrator")
	const party = `{"number":"+447700900101"}`
	for _, what := range []string{"optouts", "blocks"} {
		shop.ask(http.MethodPost, "/v1/"+what, party).want(http.StatusCreated)
		if g := shop.ask(http.MethodPost, "/v1/"+what+"/search", party).want(http.StatusOK); strings.Count(g.text, `"tenant":"shop"`) != 1 || strings.Contains(g.text, "7700900101") {
			t.Errorf("%s", g.text)
		}
		if g := taxi.ask(http.MethodPost, "/v1/"+what+"/search", party).want(http.StatusOK); strings.Contains(g.text, "since") {
			t.Errorf("another tenant's: %s", g.text)
		}
		taxi.ask(http.MethodPost, "/v1/"+what+"/lift", party).wantProblem(problem.NotFound)
		taxi.ask(http.MethodPost, "/v1/"+what+"/lift", `{"number":"+447700900101","tenant":"shop"}`).wantProblem(problem.ValidationFailed)
		if g := w.ask(http.MethodPost, "/v1/"+what+"/search", party).want(http.StatusOK); !strings.Contains(g.text, "+447700900101") { // the operator sees all, whole
			t.Errorf("%s", g.text)
		}
		shop.ask(http.MethodPost, "/v1/"+what+"/lift", party).want(http.StatusOK)
		shop.ask(http.MethodPost, "/v1/"+what+"/lift", party).wantProblem(problem.NotFound)
		shop.ask(http.MethodPost, "/v1/"+what, `{}`).wantProblem(problem.ValidationFailed)
	}
	shop.ask(http.MethodPost, "/v1/blocks", `{"mask":"+442079460011","number":"+447700900101"}`).want(http.StatusCreated)
	shop.ask(http.MethodPost, "/v1/optouts", `{"mask":"+442079460011","number":"+447700900101"}`).wantProblem(problem.ValidationFailed)
}
