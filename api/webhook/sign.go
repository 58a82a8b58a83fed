package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"maskline/numberdb"
)

// Header fields. Standard Webhooks 1.0.0, Webhook Headers.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Prefixes of secrets and of the public key of ed25519, before base64.
const (
	secretPrefix = "whsec_"
	publicPrefix = "whpk_"
)

// Lengths of secrets in octets. Standard Webhooks 1.0.0, Signature scheme.
const (
	leastSecret = 24
	mostSecret  = 64
	usualSecret = 32
)

// NewSecret makes a secret of HMAC-SHA256, or of ed25519.
func NewSecret(ed bool) numberdb.WebhookSecret {
	key := make([]byte, usualSecret)
	_, _ = rand.Read(key) // it never fails, says crypto/rand
	return numberdb.WebhookSecret{Key: key, Ed: ed}
}

// Shown is what the receiver needs to know of a secret: the secret itself, or of
// ed25519 the public key alone.
func Shown(s *numberdb.WebhookSecret) string {
	if s.Ed {
		public, _ := ed25519.NewKeyFromSeed(s.Key).Public().(ed25519.PublicKey)
		return publicPrefix + base64.StdEncoding.EncodeToString(public)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(s.Key)
}

// Sign is the value of webhook-signature: a signature for each secret that is in
// force.
func Sign(secrets []numberdb.WebhookSecret, id string, at time.Time, body []byte) string {
	signed := content(id, strconv.FormatInt(at.Unix(), 10), body)
	text := make([]byte, 0, 128)
	for i := range secrets {
		s := &secrets[i]
		if !s.Until.IsZero() && !at.Before(s.Until) {
			continue
		}
		if len(text) > 0 {
			text = append(text, ' ')
		}
		if s.Ed {
			text = append(text, "v1a,"...)
			text = base64.StdEncoding.AppendEncode(text, ed25519.Sign(ed25519.NewKeyFromSeed(s.Key), signed))
			continue
		}
		text = append(text, "v1,"...)
		text = base64.StdEncoding.AppendEncode(text, sum(s.Key, signed))
	}
	return string(text)
}

func sum(key, signed []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(signed) // a hash takes all
	return mac.Sum(nil)
}

func content(id, timestamp string, body []byte) []byte {
	out := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	out = append(append(out, id...), '.')
	out = append(append(out, timestamp...), '.')
	return append(out, body...)
}

// What Verify reports.
var (
	ErrSecret    = errors.New("expected whsec_ or whpk_ and base64")
	ErrHeader    = errors.New("a header field of the webhook is missing or makes no sense")
	ErrTimestamp = errors.New("the webhook is too old, or of the future")
	ErrSignature = errors.New("no signature of the webhook is right")
)

// tolerance is how far clocks may differ, and how long a webhook may travel.
const tolerance = 5 * time.Minute

// Verify checks what was received: secret is as Shown gives it. The id, once
// verified, tells a repeated delivery.
func Verify(secret string, header http.Header, body []byte, now time.Time) (id string, err error) {
	id, timestamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return "", ErrHeader
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return "", ErrTimestamp
	}
	right, err := checker(secret, content(id, timestamp, body))
	if err != nil {
		return "", err
	}
	for _, text := range strings.Fields(header.Get(HeaderSignature)) {
		version, encoded, _ := strings.Cut(text, ",")
		if signature, err := base64.StdEncoding.DecodeString(encoded); err == nil && right(version, signature) {
			return id, nil
		}
	}
	return "", ErrSignature
}

func checker(secret string, signed []byte) (right func(version string, signature []byte) bool, err error) {
	if encoded, is := strings.CutPrefix(secret, publicPrefix); is {
		public, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(public) != ed25519.PublicKeySize {
			return nil, ErrSecret
		}
		return func(version string, signature []byte) bool {
			return version == "v1a" && ed25519.Verify(public, signed, signature)
		}, nil
	}
	encoded, is := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !is || err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return nil, ErrSecret
	}
	want := sum(key, signed)
	return func(version string, signature []byte) bool { return version == "v1" && hmac.Equal(signature, want) }, nil
}
