//go:build peers

package sms

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"maskline/routing"
	"maskline/smpp"
)

//go:embed peer.js
var peerProgram string

// peer starts node-smpp in a role; alphabet is what data_coding 0 means to it.
func peer(t *testing.T, role, alphabet string, args ...string) *smsc {
	t.Helper()
	program := filepath.Join(t.TempDir(), "peer.js")
	if err := os.WriteFile(program, []byte(peerProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", append([]string{program, role, alphabet}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+nodeModules(t))
	return startProgram(t, role, cmd)
}

// alphabets are node-smpp's names for what data_coding 0 may mean.
var alphabets = map[smpp.Encoding]string{smpp.GSM7: "ASCII", smpp.Latin1: "LATIN1", smpp.UCS2: "UCS2"}

// between is an edge with node-smpp on both sides, as the application shop and as
// the SMSC of alfa. change sees the configuration before it counts.
func between(t *testing.T, change func(*smpp.AccountConfig, *smpp.BindConfig)) (e *edge, shop, alfa *smsc) {
	t.Helper()
	account := smpp.AccountConfig{SystemID: "shop", Password: "sesame", Tenant: "shop"}
	bind := smpp.BindConfig{
		SystemID: "maskline", Password: "secret", ResponseTimeout: 10 * time.Second,
		Reconnect: smpp.Reconnect{Min: 50 * time.Millisecond, Max: 200 * time.Millisecond},
	}
	if change != nil {
		change(&account, &bind)
	}
	alfa = peer(t, "smsc", alphabets[bind.Encoding], "alfa")
	alfa.awaitPort(t)
	bind.Addr = fmt.Sprint("127.0.0.1:", alfa.port)
	e = edgeOf(t, account, bind)
	shop = peer(t, "esme", alphabets[account.Encoding], fmt.Sprint(e.port()), "shop", "sesame")
	eventually(t, "both are bound", func() bool { return e.bound("alfa") && e.bound("shop") })
	return e, shop, alfa
}

const answerWithin = 6 * time.Second

// edgeOf is an edge with one account and one carrier, alfa, of the same country.
func edgeOf(t *testing.T, account smpp.AccountConfig, bind smpp.BindConfig) *edge {
	t.Helper()
	return runEdge(t, smpp.Config{
		Listen: []smpp.ListenConfig{{Addr: "127.0.0.1:0"}}, AnswerWithin: answerWithin, BindTimeout: 10 * time.Second, Drain: 3 * time.Second,
		Accounts: []smpp.AccountConfig{account}, Carriers: []smpp.CarrierConfig{{Name: "alfa", Country: account.Country, CallingCode: account.CallingCode, Binds: []smpp.BindConfig{bind}}},
	}, routing.Config{
		Breaker:  routing.BreakerConfig{Window: 10 * time.Second, Ratio: 0.5, Min: 5, HalfOpenAfter: 500 * time.Millisecond},
		Carriers: []routing.CarrierConfig{{Name: "alfa", Services: routing.SMS}},
	})
}

// fields are those of a PDU, by node-smpp's names.
type fields = map[string]any

// addressed adds addresses to the fields of a message.
func addressed(from, to string, more fields) fields {
	f := fields{
		"source_addr": from, "source_addr_ton": 1, "source_addr_npi": 1,
		"destination_addr": to, "dest_addr_ton": 1, "dest_addr_npi": 1, "data_coding": 0,
	}
	for k, v := range more {
		f[k] = v
	}
	return f
}

// send lets a peer send a PDU.
func (s *smsc) send(t *testing.T, command, tag string, f fields) {
	t.Helper()
	s.tell(t, map[string]any{"send": command, "fields": f, "tag": tag})
}

// ask lets a peer send a PDU and waits for the response.
func (s *smsc) ask(t *testing.T, command string, f fields) event {
	t.Helper()
	before := len(s.all("answer"))
	s.send(t, command, "", f)
	eventually(t, s.name+" has its answer", func() bool { return len(s.all("answer")) > before })
	return s.all("answer")[before]
}

// heard lists the requests of one command that a peer got.
func (s *smsc) heard(command string) (found []event) {
	for _, e := range s.all("pdu") {
		if e.Command == command {
			found = append(found, e)
		}
	}
	return found
}

// hear waits for n requests of one command and returns them.
func (s *smsc) hear(t *testing.T, command string, n int) []event {
	t.Helper()
	eventually(t, fmt.Sprint(s.name, " has ", n, " ", command), func() bool { return len(s.heard(command)) >= n })
	got := s.heard(command)
	if len(got) != n {
		t.Fatalf("%s has %d %s, want %d", s.name, len(got), command, n)
	}
	return got
}
