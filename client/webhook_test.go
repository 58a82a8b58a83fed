package client

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/api/webhook"
	"maskline/numberdb"
)

// posted is a post as an edge makes it.
func posted(t *testing.T, at time.Time, secrets ...numberdb.WebhookSecret) *http.Request {
	t.Helper()
	const body = `{"id":"evt_1","type":"session.closed","timestamp":"2026-11-22T17:42:50Z","sequence":2,"data":{"session_id":"ses_1"}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(webhook.HeaderID, "evt_1")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, webhook.Sign(secrets, "evt_1", at, []byte(body)))
	return r
}

func TestReadWebhook(t *testing.T) {
	now := time.Now()
	hmac, old, ed := webhook.NewSecret(false), webhook.NewSecret(false), webhook.NewSecret(true)
	changed := posted(t, now, hmac)
	changed.Header.Set(webhook.HeaderID, "evt_2")
	for name, c := range map[string]struct {
		post    *http.Request
		secrets []string
		right   bool
	}{
		"hmac":                  {posted(t, now, hmac), []string{webhook.Shown(&hmac)}, true},
		"ed25519":               {posted(t, now, ed), []string{webhook.Shown(&ed)}, true},
		"both during rotations": {posted(t, now, hmac, old), []string{webhook.Shown(&old)}, true},
		"two are known":         {posted(t, now, old), []string{webhook.Shown(&hmac), webhook.Shown(&old)}, true},
		"another secret":        {posted(t, now, hmac), []string{webhook.Shown(&old)}, false},
		"no secret":             {posted(t, now, hmac), nil, false},
		"an empty secret":       {posted(t, now, hmac), []string{"whsec_"}, false},
		"no secret's text":      {posted(t, now, hmac), []string{"sesame"}, false},
		"a public key cut":      {posted(t, now, ed), []string{"whpk_AAAA"}, false},
		"another id":            {changed, []string{webhook.Shown(&hmac)}, false},
		"too old":               {posted(t, now.Add(-6*time.Minute), hmac), []string{webhook.Shown(&hmac)}, false},
		"of the future":         {posted(t, now.Add(6*time.Minute), hmac), []string{webhook.Shown(&hmac)}, false},
		"not signed":            {posted(t, now), []string{webhook.Shown(&hmac)}, false},
	} {
		e, err := ReadWebhook(c.post, c.secrets...)
		if c.right && (err != nil || e.ID != "evt_1" || e.Type != "session.closed" || e.Sequence != 2 || string(e.Data) != `{"session_id":"ses_1"}`) {
			t.Errorf("%s: %+v %v", name, e, err)
		}
		if !c.right && !errors.Is(err, ErrWebhook) {
			t.Errorf("%s: %+v %v", name, e, err)
		}
	}
}
