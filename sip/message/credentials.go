package message

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Credentials are an answer to a [Challenge]. RFC 7616 §3.4.
type Credentials struct {
	Username, Realm, Nonce, URI string
	CNonce, Opaque, Response    string
	Algorithm                   Algorithm
	Count                       uint32 // nc
	QOP                         bool   // qop=auth
}

// ParseCredentials reads an Authorization value. What we ask for must be in it,
// qop among it.
func ParseCredentials(value string) (Credentials, error) {
	p, err := digestParams(value)
	if err != nil {
		return Credentials{}, err
	}
	c := Credentials{
		Username: p["username"], Realm: p["realm"], Nonce: p["nonce"], URI: p["uri"],
		CNonce: p["cnonce"], Response: strings.ToLower(p["response"]), QOP: true,
	}
	if c.Algorithm, err = parseAlgorithm(p["algorithm"]); err != nil {
		return Credentials{}, err
	}
	if !strings.EqualFold(p["qop"], "auth") {
		return Credentials{}, errQOP
	}
	n, err := strconv.ParseUint(p["nc"], 16, 32)
	if err != nil || len(p["nc"]) != 8 || n == 0 {
		return Credentials{}, errDigestForm
	}
	c.Count = uint32(n)
	if c.Username == "" || c.Nonce == "" || c.URI == "" || c.CNonce == "" || c.Response == "" {
		return Credentials{}, errDigestParam
	}
	return c, nil
}

// Line is the header with the credentials, without the line's end; to a proxy
// where a 407 asked for them.
func (c *Credentials) Line(proxy bool) string {
	name := "Authorization"
	if proxy {
		name = "Proxy-Authorization"
	}
	line := name + `: Digest username="` + c.Username + `", realm="` + c.Realm + `", nonce="` + c.Nonce + `", uri="` + c.URI +
		`", algorithm=` + c.Algorithm.String() + `, response="` + c.Response + `"`
	if c.QOP {
		line += `, qop=auth, nc=` + count(c.Count) + `, cnonce="` + c.CNonce + `"`
	}
	if c.Opaque != "" {
		line += `, opaque="` + c.Opaque + `"`
	}
	return line
}

// Credentials are the values of the request's Authorization headers, as they
// came.
func (r *Request) Credentials() []string {
	var values []string
	for _, h := range r.msg.Headers() {
		if strings.EqualFold(h.Name(), "Authorization") {
			values = append(values, h.Value())
		}
	}
	return values
}

// IsFor reports whether a digest's URI names what the request is for. What
// decides here is whom it calls, never the host, which proxies rewrite: so the
// users must be the same, and for a request without one neither has any.
func (r *Request) IsFor(uri string) bool {
	var u sip.Uri
	if err := sip.ParseUri(uri, &u); err != nil {
		return false
	}
	theirs, _ := userText(&u)
	called, _ := userText(&r.msg.Recipient)
	return u.Scheme == r.msg.Recipient.Scheme && theirs == called
}
