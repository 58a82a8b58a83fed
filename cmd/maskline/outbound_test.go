package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/testbench/await"
	"maskline/testbench/smppsim"
)

// outboundBed is an edge with carriers, and the clients of its API.
type outboundBed struct {
	*carriers
	clients map[string]*web // by what they are
	keys    atomic.Int64
	text    strings.Builder // every answer, for the leak scan
}

func startOutbound(t *testing.T) *outboundBed {
	t.Helper()
	o := &outboundBed{carriers: newCarriers(t, "any")}
	o.open()
	return o
}

func (o *outboundBed) open() {
	o.t.Helper()
	o.start()
	o.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	o.serve(o.url())
}

// serve has all ask the edge at url.
func (o *outboundBed) serve(url string) {
	o.clients = map[string]*web{"admin": operatorAt(o.running, o.cli, url)}
}

// client is one with a key of its own: of a tenant, or of somebody who is named.
func (o *outboundBed) client(who string) *web {
	o.t.Helper()
	if known := o.clients[who]; known != nil {
		return known
	}
	admin := o.clients["admin"]
	made := map[string]func() *web{
		"operator": func() *web { return admin.as("", "owner") },
		"reader":   func() *web { return admin.as("shop", "read-only") },
	}[who]
	if made == nil {
		made = func() *web { return admin.as(who, "integrator") }
	}
	o.clients[who] = made()
	return o.clients[who]
}

// ask asks the API as a client; a POST gets a new idempotency key unless one is given.
func (o *outboundBed) ask(who, method, path string, body any, key ...string) reply {
	o.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	var fields []string
	if method == http.MethodPost {
		once := "key " + strconv.FormatInt(o.keys.Add(1), 10)
		if len(key) > 0 {
			once = key[0]
		}
		fields = []string{"Content-Type", "application/json", idempotency, once}
	}
	g := o.client(who).ask(method, path, string(text), fields...)
	o.text.WriteString(g.text)
	return g
}

func (o *outboundBed) want(g reply, status int, code problem.Code) {
	o.t.Helper()
	if g.status != status || code != "" && g.field("code") != string(code) {
		o.t.Fatalf("%d %s, expected %d %s", g.status, g.text, status, code)
	}
}

type words map[string]any

const (
	outAlice, outBob = "+447700900101", "+447700900212"
	secretText       = "the parcel is behind the blue door"
)

// couple makes a session of two.
func (o *outboundBed) couple(services numberdb.Services) numberdb.Session {
	o.t.Helper()
	s, err := o.sessions.Create(o.t.Context(), &sessions.Request{
		Tenant: "shop", Pool: "uk", Services: services,
		Sides: []sessions.Side{{Number: e164.MustParse(outAlice)}, {Number: e164.MustParse(outBob)}},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func messagesOf(s *numberdb.Session) string {
	return "/v1/sessions/" + s.ID.Text(numberdb.SessionPrefix) + "/messages"
}

// state waits until a message has come into a state.
func (o *outboundBed) state(id, state string) reply {
	o.t.Helper()
	var s reply
	o.eventually("the message is "+state, func() bool {
		s = o.ask("shop", http.MethodGet, "/v1/messages/"+id+"/status", nil)
		return s.body["state"] == state
	})
	return s
}

func TestAMessageThroughASession(t *testing.T) {
	o := startOutbound(t)
	s := o.couple(0)
	o.smsc["alfa"].HoldReceipts(true)
	sent := o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText}, "once")
	o.want(sent, http.StatusCreated, "")
	if sent.body["state"] != "submitted" || sent.body["segments"] != 1.0 || sent.body["session"] != s.ID.Text(numberdb.SessionPrefix) {
		t.Errorf("it says %s", sent.text)
	}
	if from := o.took("alfa", e164.MustParse(outBob), secretText); from != s.Participants[1].Dial {
		t.Error("the receiver does not see the mask that it knows the writer by")
	}
	again := o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText}, "once")
	o.want(again, http.StatusCreated, "")
	if again.id() != sent.id() || again.header.Get("Idempotent-Replayed") != "true" || len(o.smsc["alfa"].TakeSubmitted()) != 0 {
		t.Error("the same request has sent another message")
	}
	o.want(o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outBob, "text": secretText}, "once"), 422, problem.IdempotencyMismatch)

	// What counts is the receipt.
	if got := o.state(sent.id(), "submitted"); got.body["carrier"] != "alfa" || got.body["final"] != false {
		t.Errorf("it says %s", got.text)
	}
	o.smsc["alfa"].HoldReceipts(false)
	o.state(sent.id(), "delivered")
	o.eventually("the carrier is rid of its receipt", func() bool { return o.smsc["alfa"].ReceiptsOwed() == 0 })
	o.told("shop", "session.created", "message.status", "message.status")
	alias := o.ask("shop", http.MethodPost, "/v1/rpc/getDeliveryStatus", words{"message_id": sent.id()})
	o.want(alias, http.StatusOK, "")
	if alias.body["state"] != "delivered" || alias.body["final"] != true {
		t.Errorf("it says %s", alias.text)
	}
	list := o.ask("reader", http.MethodGet, messagesOf(&s), nil)
	if !strings.Contains(list.text, sent.id()) {
		t.Errorf("the list is %s", list.text)
	}
	// Another tenant sees none of it.
	for _, path := range []string{"/v1/messages/" + sent.id(), "/v1/messages/" + sent.id() + "/status", messagesOf(&s)} {
		o.want(o.ask("outlet", http.MethodGet, path, nil), 404, problem.NotFound)
		o.want(o.ask("operator", http.MethodGet, path, nil), 200, "")
	}
	o.want(o.ask("outlet", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": "x"}), 404, problem.NotFound)
	o.want(o.ask("outlet", http.MethodPost, "/v1/rpc/getDeliveryStatus", words{"message_id": sent.id()}), 404, problem.NotFound)
	o.want(o.ask("reader", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": "x"}), 403, problem.InsufficientScope)
	o.noLeak(secretText, "7700900101", "7700900212")
}

// told wants these events of a tenant, in this order and no others.
func (o *outboundBed) told(tenant string, types ...string) {
	o.t.Helper()
	var got []string
	if !await.Within(10*time.Second, func() bool {
		all, err := o.store.Events(o.t.Context(), numberdb.EventQuery{Tenant: tenant})
		got = nil
		for i := range all {
			got = append(got, all[i].Type)
			o.text.Write(all[i].Data)
		}
		return err == nil && slices.Equal(got, types)
	}) {
		o.t.Errorf("told: %v, expected %v", got, types)
	}
}

// noLeak scans answers, log, metrics and what is on the disk.
func (o *outboundBed) noLeak(secrets ...string) {
	o.t.Helper()
	places := map[string]string{"the answers": o.text.String(), "the log": string(o.log.bytes()), "the metrics": o.get("/metrics").body}
	err := filepath.WalkDir(o.cli.path("data"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		places[entry.Name()] = string(content)
		return err
	})
	if err != nil {
		o.t.Error(err)
	}
	for name, content := range places {
		for _, secret := range secrets {
			if strings.Contains(content, secret) {
				i := strings.Index(content, secret)
				o.t.Errorf("%q is in %s: %q", secret, name, content[max(0, i-100):min(len(content), i+100)])
			}
		}
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	o := startOutbound(t)
	s := o.couple(0)
	voice := o.couple(numberdb.Voice)
	ended := o.couple(0)
	if _, err := o.sessions.End(t.Context(), "shop", ended.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		session *numberdb.Session
		body    words
		status  int
		code    problem.Code
	}{
		{"of no participant", &s, words{"from": "+447700900999", "text": "x"}, 422, problem.ValidationFailed},
		{"a number in another form", &s, words{"from": "07700900101", "text": "x"}, 422, problem.InvalidNumber},
		{"no text", &s, words{"from": outAlice, "text": ""}, 422, problem.ValidationFailed},
		{"control characters", &s, words{"from": outAlice, "text": "a\x01b"}, 422, problem.ValidationFailed},
		{"too long", &s, words{"from": outAlice, "text": strings.Repeat("x", 1601)}, 422, problem.ValidationFailed},
		{"of a session of calls", &voice, words{"from": outAlice, "text": "x"}, 409, problem.CapabilityUnavailable},
		{"of a session that has ended", &ended, words{"from": outAlice, "text": "x"}, 410, problem.SessionClosed},
		{"of no session", &numberdb.Session{ID: 5}, words{"from": outAlice, "text": "x"}, 404, problem.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.want(o.ask("shop", http.MethodPost, messagesOf(c.session), c.body), c.status, c.code)
		})
	}
	o.optOut(outBob)
	o.want(o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": "x"}), 409, problem.OptedOut)
	o.nothingLeft()
	if n := len(o.smsc["alfa"].TakeSubmitted()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

// optOut notes that a party wants no messages of the tenant.
func (o *outboundBed) optOut(party string) {
	o.restrict.Note(numberdb.RestrictionChange{Restriction: numberdb.Restriction{
		Kind: numberdb.OptOut, Tenant: "shop", Party: e164.MustParse(party), Since: time.Now().UTC().Truncate(time.Microsecond),
	}})
}

// nothingLeft: the store has no message.
func (o *outboundBed) nothingLeft() {
	o.t.Helper()
	left, err := o.store.Messages(o.t.Context(), numberdb.MessageQuery{Tenant: numberdb.AnyTenant})
	if err != nil || len(left) != 0 {
		o.t.Errorf("%d messages are left in the store, %v", len(left), err)
	}
}

func TestMessagesFailOverAndNobodyTakesThem(t *testing.T) {
	o := startOutbound(t)
	s := o.couple(0)
	send := func(key string) reply {
		return o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText}, key)
	}
	o.smsc["alfa"].SetMode(smppsim.Gone)
	o.up("alfa", false)
	first := send("first")
	o.want(first, http.StatusCreated, "")
	o.took("bravo", e164.MustParse(outBob), secretText)
	o.state(first.id(), "delivered")

	o.smsc["bravo"].SetMode(smppsim.Gone)
	o.up("bravo", false)
	o.want(send("second"), http.StatusServiceUnavailable, problem.CarrierUnavailable)
	if s := send("second"); s.header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	if left, err := o.store.Messages(t.Context(), numberdb.MessageQuery{Tenant: numberdb.AnyTenant}); err != nil || len(left) != 1 {
		t.Errorf("%d messages are in the store, not the one that was sent; %v", len(left), err)
	}
	// The same request succeeds later.
	o.smsc["bravo"].SetMode(smppsim.Accept)
	o.up("bravo", true)
	o.want(send("second"), http.StatusCreated, "")
	o.took("bravo", e164.MustParse(outBob), secretText)
}

// An answer that takes as long as its carrier may is written, however little time the
// reading of requests has.
func TestASlowCarrierIsWaitedFor(t *testing.T) {
	o := &outboundBed{carriers: newCarriers(t, "any")}
	o.cli.change(`api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0", limits: {read: 500ms}`)
	o.cli.change("smpp:\n", "smpp:\n  answer_within: 2s\n")
	o.open()
	s := o.couple(0)
	o.smsc["alfa"].SetMode(smppsim.Late)
	silent := o.ask("shop", http.MethodPost, messagesOf(&s), words{"from": outAlice, "text": secretText})
	o.want(silent, http.StatusAccepted, "")
	if silent.body["state"] != "unknown" {
		t.Errorf("it says %s", silent.text)
	}
}
