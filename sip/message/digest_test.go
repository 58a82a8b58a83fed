package message

import (
	"errors"
	"strings"
	"testing"
)

// TestDigestExamples are those of RFC 7616 §3.9.1 and RFC 2617 §3.5, the last one
// without qop.
func TestDigestExamples(t *testing.T) {
	long := Credentials{
		Nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", URI: "/dir/index.html", QOP: true, Count: 1,
		CNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", Algorithm: MD5,
	}
	sha := long
	sha.Algorithm = SHA256
	short := Credentials{Nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", URI: "/dir/index.html", Algorithm: MD5}
	cases := []struct {
		name            string
		password, realm string
		c               Credentials
		want            string
	}{
		{"MD5", "Circle of Life", "http-auth@example.org", long, "8ca523f5e9506fed4657c9700eebdbec"},
		{"SHA-256", "Circle of Life", "http-auth@example.org", sha, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{"MD5 without qop", "Circle Of Life", "testrealm@host.com", short, "670fd8c2df070c60b045671b8b24ff02"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := NewDigestUser("Mufasa", c.password, c.realm).Response(&c.c, "GET"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestParseChallenge(t *testing.T) {
	cases := []struct {
		name, value string
		want        Challenge
		err         error
	}{
		{
			"SHA-256", `Digest realm="a b", nonce="n=", algorithm=SHA-256, qop="auth,auth-int", opaque="o", stale=TRUE`,
			Challenge{Realm: "a b", Nonce: "n=", Opaque: "o", Algorithm: SHA256, Stale: true, QOP: true},
			nil,
		},
		{"MD5 is meant", `digest nonce="n",realm="a"`, Challenge{Realm: "a", Nonce: "n", Algorithm: MD5}, nil},
		{"spaces around", "Digest  realm = \"a\" ,\tnonce = \"n\" , qop=auth", Challenge{Realm: "a", Nonce: "n", Algorithm: MD5, QOP: true}, nil},
		{"escapes stay", `Digest realm="a\"b", nonce="n"`, Challenge{Realm: `a\"b`, Nonce: "n", Algorithm: MD5}, nil},
		{"auth-int alone", `Digest realm="a", nonce="n", qop="auth-int"`, Challenge{}, errQOP},
		{"session algorithm", `Digest realm="a", nonce="n", algorithm=MD5-sess, qop="auth"`, Challenge{}, errAlgorithm},
		{"Basic", `Basic realm="a"`, Challenge{}, errNotDigest},
		{"no nonce", `Digest realm="a", qop="auth"`, Challenge{}, errDigestParam},
		{"endless quote", `Digest realm="a, nonce=n`, Challenge{}, errDigestForm},
		{"text behind a quote", `Digest realm="a"b, nonce="n"`, Challenge{}, errDigestForm},
		{"twice", `Digest realm="a", realm="b", nonce="n"`, Challenge{}, errDigestForm},
		{"no value", `Digest realm, nonce="n"`, Challenge{}, errDigestForm},
		{"long nonce", `Digest realm="a", nonce="` + strings.Repeat("n", 600) + `"`, Challenge{}, errDigestParam},
		{"many", "Digest " + strings.Repeat("a=b,", 20), Challenge{}, errDigestForm},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseChallenge(c.value)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestCredentialsRoundTrip(t *testing.T) {
	for _, a := range Algorithms() {
		want := Credentials{
			Username: "al ice", Realm: "r", Nonce: "n", URI: "sip:a@b;c=d", CNonce: "c", Response: "ab12", Algorithm: a, Count: 0x1f, QOP: true,
		}
		value, ok := strings.CutPrefix(want.Line(false), "Authorization: ")
		if !ok || !strings.Contains(value, "nc=0000001f,") {
			t.Fatal(want.Line(false))
		}
		if got, err := ParseCredentials(value); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if line := (&Credentials{}).Line(true); !strings.HasPrefix(line, "Proxy-Authorization: ") {
		t.Error(line)
	}
}

func TestParseCredentialsFaults(t *testing.T) {
	const good = `Digest username="u", realm="r", nonce="n", uri="sip:a", response="0", qop=auth, nc=00000001, cnonce="c"`
	if _, err := ParseCredentials(good); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, from, to string
		err            error
	}{
		{"no qop", ", qop=auth", "", errQOP},
		{"auth-int", "qop=auth", "qop=auth-int", errQOP},
		{"short nc", "nc=00000001", "nc=1", errDigestForm},
		{"nc of zero", "nc=00000001", "nc=00000000", errDigestForm},
		{"nc that is no number", "nc=00000001", "nc=0000000g", errDigestForm},
		{"no cnonce", `, cnonce="c"`, "", errDigestParam},
		{"no user", `username="u", `, "", errDigestParam},
		{"another algorithm", `realm="r"`, `realm="r", algorithm=SHA-512-256`, errAlgorithm},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseCredentials(strings.Replace(good, c.from, c.to, 1)); !errors.Is(err, c.err) {
				t.Errorf("%v, want %v", err, c.err)
			}
		})
	}
}

func TestDigestURIIsWhoIsCalled(t *testing.T) {
	r := goodRequest(t, invite)
	for uri, want := range map[string]bool{
		"sip:+441110000001@edge.example":              true,
		"sip:+441110000001@edge.example:5060":         true, // a proxy may have written another host
		"sip:%2B441110000001@192.0.2.1;transport=udp": true,
		"sip:+441110000002@edge.example":              false,
		"sip:edge.example":                            false,
		"tel:+441110000001":                           false,
		"":                                            false,
	} {
		if got := r.IsFor(uri); got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

func FuzzDigest(f *testing.F) {
	f.Add(`Digest username="u", realm="r", nonce="n", uri="sip:a", response="0", qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest realm="a\"b", nonce="n", algorithm=SHA-256, qop="auth,auth-int", stale=true`)
	f.Fuzz(func(t *testing.T, value string) {
		if c, err := ParseCredentials(value); err == nil {
			again, err := ParseCredentials(strings.TrimPrefix(c.Line(false), "Authorization: "))
			c.Opaque = "" // which we do not ask for
			if err != nil || again != c {
				t.Fatalf("%+v, %+v, %v", c, again, err)
			}
		}
		if c, err := ParseChallenge(value); err == nil && strings.ContainsAny(c.Realm+c.Nonce, "\r\n") && !strings.ContainsAny(value, "\r\n") {
			t.Fatalf("%+v", c)
		}
	})
}
