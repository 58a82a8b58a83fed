package message

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Algorithm is the hash of a digest. RFC 7616 §3.3; RFC 8760.
type Algorithm uint8

// The algorithms, the preferred one first. Their -sess forms are not spoken.
const (
	SHA256 Algorithm = iota
	MD5
	algorithms
)

// Algorithms lists them in the order in which we offer them. RFC 8760 §2.1.
func Algorithms() []Algorithm { return []Algorithm{SHA256, MD5} }

// String is the name in headers.
func (a Algorithm) String() string {
	if a == SHA256 {
		return "SHA-256"
	}
	return "MD5"
}

func (a Algorithm) hash(text string) string {
	if a == SHA256 {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// DigestUser is a user with a password in one realm. It holds hashes of the
// password, which in this realm are worth as much as the password.
type DigestUser struct {
	Name, Realm string
	a1          [algorithms]string
}

// NewDigestUser hashes the password once for each algorithm. RFC 7616 §3.4.2.
func NewDigestUser(name, password, realm string) *DigestUser {
	u := &DigestUser{Name: name, Realm: realm}
	for a := range algorithms {
		u.a1[a] = a.hash(name + ":" + realm + ":" + password)
	}
	return u
}

// Response is the hash that proves the password for a request. RFC 7616 §3.4.1;
// without qop that of RFC 2069.
func (u *DigestUser) Response(c *Credentials, method string) string {
	a2 := c.Algorithm.hash(method + ":" + c.URI)
	if !c.QOP {
		return c.Algorithm.hash(u.a1[c.Algorithm] + ":" + c.Nonce + ":" + a2)
	}
	return c.Algorithm.hash(u.a1[c.Algorithm] + ":" + c.Nonce + ":" + count(c.Count) + ":" + c.CNonce + ":auth:" + a2)
}

// count is nc as headers and hashes write it.
func count(n uint32) string {
	text := strconv.FormatUint(uint64(n), 16)
	return "00000000"[:8-len(text)] + text
}

// The faults of a header that asks for a digest or answers with one.
var (
	errNotDigest   = errors.New("another scheme than Digest")
	errAlgorithm   = errors.New("an algorithm that is not spoken")
	errQOP         = errors.New("a quality of protection other than auth")
	errDigestForm  = errors.New("malformed digest parameters")
	errDigestParam = errors.New("a digest parameter is missing")
)

const maxDigestParams = 16 // as many as the guard lets any header have

// digestParams reads `Digest name=value, name="value"`. Names are in lower case,
// values stand without their quotes and with their escapes. RFC 3261 §25.1.
func digestParams(value string) (map[string]string, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.EqualFold(scheme, "digest") {
		return nil, errNotDigest
	}
	params := map[string]string{}
	for rest = strings.TrimLeft(rest, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || !isTokenText(name) || len(params) == maxDigestParams {
			return nil, errDigestForm
		}
		if _, repeated := params[name]; repeated {
			return nil, errDigestForm
		}
		after = strings.TrimLeft(after, " \t")
		end := quotedEnd(after)
		switch {
		case end > 0:
			params[name], rest = after[1:end-1], strings.TrimLeft(after[end:], " \t")
			if rest != "" && rest[0] != ',' {
				return nil, errDigestForm
			}
		case end == 0:
			text, next, _ := strings.Cut(after, ",")
			if text = strings.TrimSpace(text); !isTokenText(text) {
				return nil, errDigestForm
			}
			params[name], rest = text, next
		default:
			return nil, errDigestForm
		}
	}
	return params, nil
}

// quotedEnd is the length of the quoted string that s starts with; 0 where it
// starts with none, -1 where it does not end.
func quotedEnd(s string) int {
	if s == "" || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func parseAlgorithm(text string) (Algorithm, error) {
	switch {
	case text == "", strings.EqualFold(text, "md5"): // RFC 7616 §3.3: MD5 where it is not said
		return MD5, nil
	case strings.EqualFold(text, "sha-256"):
		return SHA256, nil
	default:
		return 0, errAlgorithm
	}
}
