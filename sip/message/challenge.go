package message

import "strings"

// Challenge asks for a digest. RFC 7616 §3.3.
type Challenge struct {
	Realm, Nonce, Opaque string // as they stand between their quotes
	Algorithm            Algorithm
	Stale                bool // the password was right, or not looked at; the nonce is too old
	QOP                  bool // auth is offered; false: qop is not spoken at all (RFC 2069)
}

// Bounds of what a challenge makes us repeat in each request.
const maxChallengeText = 512

// ParseChallenge reads a WWW-Authenticate or Proxy-Authenticate value.
func ParseChallenge(value string) (Challenge, error) {
	p, err := digestParams(value)
	if err != nil {
		return Challenge{}, err
	}
	c := Challenge{Realm: p["realm"], Nonce: p["nonce"], Opaque: p["opaque"], Stale: strings.EqualFold(p["stale"], "true")}
	if c.Algorithm, err = parseAlgorithm(p["algorithm"]); err != nil {
		return Challenge{}, err
	}
	if qop, said := p["qop"]; said {
		if c.QOP = offersAuth(qop); !c.QOP {
			return Challenge{}, errQOP
		}
	}
	if c.Nonce == "" || len(c.Nonce)+len(c.Opaque) > maxChallengeText {
		return Challenge{}, errDigestParam
	}
	return c, nil
}

func offersAuth(qop string) bool {
	for one := range strings.SplitSeq(qop, ",") {
		if strings.EqualFold(strings.TrimSpace(one), "auth") {
			return true
		}
	}
	return false
}

// Line is the challenge as a header of a 401, without the line's end. We ask for
// qop auth alone.
func (c *Challenge) Line() string {
	line := `WWW-Authenticate: Digest realm="` + c.Realm + `", nonce="` + c.Nonce + `", algorithm=` + c.Algorithm.String() + `, qop="auth"`
	if c.Stale {
		line += ", stale=true"
	}
	return line
}

// Challenges are the values of the challenges in a 401 or 407, as they came.
func (r *Response) Challenges() []string {
	name := "WWW-Authenticate"
	if r.Code == 407 {
		name = "Proxy-Authenticate"
	}
	var values []string
	for _, h := range r.msg.Headers() {
		if strings.EqualFold(h.Name(), name) {
			values = append(values, h.Value())
		}
	}
	return values
}
