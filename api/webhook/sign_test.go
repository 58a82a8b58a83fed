package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"maskline/numberdb"
)

func signed(secrets []numberdb.WebhookSecret, id string, at time.Time, body []byte) http.Header {
	h := http.Header{}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(HeaderSignature, Sign(secrets, id, at, body))
	return h
}

// The example of the specification's libraries: their test vector.
func TestKnownSignature(t *testing.T) {
	secret := numberdb.WebhookSecret{Key: mustKey(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
	got := Sign([]numberdb.WebhookSecret{secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func mustKey(t *testing.T, text string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What is signed by either is verified by the other.
func TestAgainstTheOfficialLibrary(t *testing.T) {
	now := time.Now()
	body := []byte(`{"type":"session.created"}`)
	for _, size := range []int{24, 32, 64} {
		secret := numberdb.WebhookSecret{Key: bytes.Repeat([]byte{byte(size)}, size)}
		official, err := standardwebhooks.NewWebhook(Shown(&secret))
		if err != nil {
			t.Fatal(err)
		}
		old := NewSecret(false)
		if err := official.Verify(body, signed([]numberdb.WebhookSecret{old, NewSecret(true), secret}, "evt_1", now, body)); err != nil {
			t.Errorf("%d octets: %v", size, err)
		}
		theirs, err := official.Sign("evt_1", now, body)
		if err != nil {
			t.Fatal(err)
		}
		h := signed(nil, "evt_1", now, body)
		h.Set(HeaderSignature, theirs)
		if id, err := Verify(Shown(&secret), h, body, now); err != nil || id != "evt_1" {
			t.Errorf("%d octets: %q, %v", size, id, err)
		}
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	body := []byte(`{"a":1}`)
	hmac, ed, other := NewSecret(false), NewSecret(true), NewSecret(false)
	over := other
	over.Until = now
	all := []numberdb.WebhookSecret{hmac, ed, over}
	right := func() http.Header { return signed(all, "evt_1", now, body) }
	with := func(name, value string) http.Header { h := right(); h.Set(name, value); return h }
	for name, c := range map[string]struct {
		secret string
		header http.Header
		body   string
		now    time.Time
		want   error
	}{
		"hmac":                {Shown(&hmac), right(), `{"a":1}`, now, nil},
		"ed25519":             {Shown(&ed), right(), `{"a":1}`, now, nil},
		"another secret":      {Shown(&over), right(), `{"a":1}`, now, ErrSignature},
		"another body":        {Shown(&hmac), right(), `{"a":2}`, now, ErrSignature},
		"another body, ed":    {Shown(&ed), right(), `{"a":2}`, now, ErrSignature},
		"another id":          {Shown(&hmac), with(HeaderID, "evt_2"), `{"a":1}`, now, ErrSignature},
		"another time":        {Shown(&hmac), with(HeaderTimestamp, "1790000001"), `{"a":1}`, now, ErrSignature},
		"no id":               {Shown(&hmac), with(HeaderID, ""), `{"a":1}`, now, ErrHeader},
		"no time":             {Shown(&hmac), with(HeaderTimestamp, "soon"), `{"a":1}`, now, ErrHeader},
		"replayed later":      {Shown(&hmac), right(), `{"a":1}`, now.Add(6 * time.Minute), ErrTimestamp},
		"of the future":       {Shown(&hmac), right(), `{"a":1}`, now.Add(-6 * time.Minute), ErrTimestamp},
		"nothing signed":      {Shown(&hmac), with(HeaderSignature, ""), `{"a":1}`, now, ErrSignature},
		"garbage signed":      {Shown(&hmac), with(HeaderSignature, "v1 v1, ,v1 v1,?? v9,AAAA"), `{"a":1}`, now, ErrSignature},
		"the wrong version":   {Shown(&hmac), with(HeaderSignature, strings.ReplaceAll(right().Get(HeaderSignature), "v1,", "v2,")), `{"a":1}`, now, ErrSignature},
		"no secret":           {"sesame", right(), `{"a":1}`, now, ErrSecret},
		"a secret too short":  {"whsec_AAAA", right(), `{"a":1}`, now, ErrSecret},
		"a public key cut":    {"whpk_AAAA", right(), `{"a":1}`, now, ErrSecret},
		"a secret of no text": {"whsec_!", right(), `{"a":1}`, now, ErrSecret},
	} {
		if _, err := Verify(c.secret, c.header, []byte(c.body), c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	secrets := []numberdb.WebhookSecret{NewSecret(false)}
	body := bytes.Repeat([]byte("x"), 250)
	b.ReportAllocs()
	for b.Loop() {
		Sign(secrets, "evt_0d2k9x4m1qz7c", time.Unix(1_790_000_000, 0), body)
	}
}
