package client

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrWebhook is a post that is not the edge's, or too old.
var ErrWebhook = errors.New("client: the post is not signed with one of the secrets, or too old")

const (
	mostWebhook = 1 << 20 // octets
	tolerance   = 5 * time.Minute
)

// ReadWebhook reads the event of a post to a webhook endpoint and verifies its
// signature: Standard Webhooks 1.0.0, v1 by a whsec_ secret or v1a by a whpk_
// public key. During a rotation both the new and the old one are given. An event
// may come more than once: keep the ids for a few days.
func ReadWebhook(r *http.Request, secrets ...string) (*Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostWebhook))
	if err != nil {
		return nil, err
	}
	if !signed(r.Header, body, secrets, time.Now()) {
		return nil, ErrWebhook
	}
	e := &Event{}
	if err := json.Unmarshal(body, e); err != nil {
		return nil, ErrWebhook
	}
	return e, nil
}

func signed(h http.Header, body []byte, secrets []string, now time.Time) bool {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	text := append([]byte(id+"."+timestamp+"."), body...)
	for _, one := range strings.Fields(h.Get("webhook-signature")) {
		version, encoded, _ := strings.Cut(one, ",")
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		for _, secret := range secrets {
			if right(secret, version, text, signature) {
				return true
			}
		}
	}
	return false
}

func right(secret, version string, text, signature []byte) bool {
	if encoded, is := strings.CutPrefix(secret, "whpk_"); is {
		public, err := base64.StdEncoding.DecodeString(encoded)
		return err == nil && version == "v1a" && len(public) == ed25519.PublicKeySize && ed25519.Verify(public, text, signature)
	}
	encoded, is := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !is || err != nil || len(key) == 0 || version != "v1" {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(text) // a hash takes all
	return hmac.Equal(signature, mac.Sum(nil))
}
