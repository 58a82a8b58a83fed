package main

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"maskline/api/auth"
	"maskline/configs"
	"maskline/testbench/authority"
	"maskline/tlsfile"
)

// secured is an edge whose API asks for certificates, with curl and openssl as clients.
type secured struct {
	*running
	c    *cli
	a    *authority.Authority
	port string
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{c: newCLI(t), a: authority.New(t)}
	s.a.Issue(t, "edge", "edge.example")
	s.a.Issue(t, "app", "app.shop.example")
	s.a.Issue(t, "stranger", "stranger.example")
	s.c.write("edge.yaml", strings.Replace(testConfig, `api: {listen: "127.0.0.1:0"}`, `
api:
  listen: "127.0.0.1:0"
  tls: {cert: "`+s.a.File("edge.pem")+`", key: "`+s.a.File("edge.key")+`", client_ca: "`+s.a.File("ca.pem")+`"}
  clients: [{name: app, san: app.shop.example, tenant: shop, role: integrator}]
`, 1))
	s.running = startEdge(t, s.c)
	_, s.port, _ = net.SplitHostPort(s.api.Addr().String())
	return s
}

// curl asks for a path with more arguments; ok is false where it gets no answer of 200.
func (s *secured) curl(path string, args ...string) (body string, ok bool) {
	s.t.Helper()
	args = append([]string{"-sf", "-m", "10", "--cacert", s.a.File("ca.pem"), "--resolve", "edge.example:" + s.port + ":127.0.0.1", "https://edge.example:" + s.port + path}, args...)
	out, err := exec.CommandContext(s.t.Context(), "curl", args...).Output()
	return string(out), err == nil
}

func (s *secured) as(client string) []string {
	return []string{"--cert", s.a.File(client + ".pem"), "--key", s.a.File(client + ".key")}
}

// openssl connects with more arguments and returns what it says.
func (s *secured) openssl(args ...string) string {
	s.t.Helper()
	args = append([]string{"s_client", "-connect", s.api.Addr().String(), "-CAfile", s.a.File("ca.pem"), "-cert", s.a.File("app.pem"), "-key", s.a.File("app.key"), "-servername", "edge.example"}, args...)
	cmd := exec.CommandContext(s.t.Context(), "openssl", args...)
	cmd.Stdin = strings.NewReader("GET /healthz HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n")
	out, _ := cmd.CombinedOutput() // it fails where the handshake does
	return string(out)
}

func TestTheAPIOverTLS(t *testing.T) {
	s := newSecured(t)
	if body, ok := s.curl("/v1/limits", s.as("app")...); !ok || !strings.Contains(body, `"key":"crt_app"`) || !strings.Contains(body, `"tenant":"shop"`) {
		t.Errorf("a certificate that is known: %s", body)
	}
	if _, ok := s.curl("/v1/limits"); ok {
		t.Error("without a certificate")
	}
	if _, ok := s.curl("/v1/limits", s.as("stranger")...); ok {
		t.Error("a certificate of nobody, without a key")
	}
	key := strings.TrimSpace(s.c.at("keys", "create", "--role", "read-only"))
	if body, ok := s.curl("/v1/limits", append(s.as("stranger"), "-H", "Authorization: Bearer "+key)...); !ok || !strings.Contains(body, `"key":"key_`) {
		t.Errorf("a certificate of nobody, with a key: %s", body)
	}
	if _, ok := s.curl("/v1/numbers", s.as("app")...); ok {
		t.Error("more than its role has")
	}
	other := authority.New(t)
	other.Issue(t, "app", "app.shop.example")
	if _, ok := s.curl("/v1/limits", "--cert", other.File("app.pem"), "--key", other.File("app.key")); ok {
		t.Error("a certificate of another authority")
	}
	for version, answers := range map[string]bool{"-tls1_1": false, "-tls1_2": true, "-tls1_3": true} {
		if out := s.openssl(version, "-quiet", "-cipher", "DEFAULT@SECLEVEL=0"); strings.Contains(out, "200 OK") != answers {
			t.Errorf("%s: %s", version, out)
		}
	}
	if out := s.openssl("-tls1_2", "-quiet", "-cipher", "aNULL:eNULL:@SECLEVEL=0"); strings.Contains(out, "200 OK") {
		t.Errorf("without encryption: %s", out)
	}
	plain, err := net.Dial("tcp", s.api.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	_, _ = plain.Write([]byte("GET /v1/limits HTTP/1.1\r\nHost: x\r\n\r\n"))
	_ = plain.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, _ := bufio.NewReader(plain).ReadString('\n'); strings.Contains(line, "200") {
		t.Errorf("without TLS: %s", line)
	}
	if body, ok := s.curl("/metrics", s.as("app")...); !ok || strings.Contains(body, "maskline_api_tls_faults_total 0\n") {
		t.Error("faults are not counted")
	}
	if log := string(s.log.bytes()); strings.Contains(log, "handshake") {
		t.Error("whoever knocks fills the log")
	}
}

// Another certificate is shown from the next connection on, those that stand go on; an
// entry that is gone lets nobody in any more.
func TestCertificatesOfTheAPIAreReloaded(t *testing.T) {
	s := newSecured(t)
	pool, err := tlsfile.Authorities(s.a.File("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: "edge.example"}
	if err := tlsfile.Add(cfg, s.a.File("app.pem"), s.a.File("app.key")); err != nil {
		t.Fatal(err)
	}
	dial := func() *tls.Conn {
		conn, err := tls.Dial("tcp", s.api.Addr().String(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ask := func(conn *tls.Conn) int {
		t.Helper()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Write([]byte("GET /v1/limits HTTP/1.1\r\nHost: edge.example\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	serial := func(conn *tls.Conn) string { return conn.ConnectionState().PeerCertificates[0].SerialNumber.String() }
	stands := dial()
	if got := ask(stands); got != http.StatusOK {
		t.Fatal(got)
	}
	s.a.Issue(t, "edge", "edge.example")
	if out := s.c.at("reload"); !strings.Contains(out, "certificates of api.listen") {
		t.Errorf("%s", out)
	}
	if got := ask(stands); got != http.StatusOK {
		t.Errorf("the connection that stood: %d", got)
	}
	if next := dial(); serial(next) == serial(stands) || ask(next) != http.StatusOK {
		t.Error("the next connection meets the old certificate")
	}
	if out := s.c.at("reload"); strings.Contains(out, "certificates") {
		t.Errorf("nothing has changed: %s", out)
	}
	s.c.change("san: app.shop.example", "san: web.shop.example")
	if out := s.c.at("reload"); !strings.Contains(out, "applied: api.clients") {
		t.Errorf("%s", out)
	}
	if got := ask(stands); got != http.StatusUnauthorized {
		t.Errorf("an entry that is gone: %d", got)
	}
	s.c.write("broken.pem", "garbage")
	s.c.change(s.a.File("ca.pem"), s.c.path("broken.pem")) // a restart would fail; what runs goes on
	s.c.at("reload")
	if _, ok := s.curl("/healthz", s.as("app")...); !ok {
		t.Error("a reload with a file that is for the next start broke what runs")
	}
}

// The configuration knows each role and scope that there is.
func TestRolesAndScopesOfTheConfiguration(t *testing.T) {
	for _, role := range auth.Roles() {
		for _, scope := range auth.Scopes() {
			c := newCLI(t)
			c.write("edge.yaml", strings.Replace(testConfig, `api: {listen: "127.0.0.1:0"}`,
				`api: {listen: "127.0.0.1:0", tls: {cert: c, key: k, client_ca: a}, clients: [{name: app, san: x, role: `+string(role)+`, scopes: ["`+string(scope)+`"]}]}`, 1))
			if _, err := configs.Load(c.path("edge.yaml"), func(string) (string, bool) { return "pw", true }); err != nil {
				t.Errorf("%s, %s: %v", role, scope, err)
			}
		}
	}
}
