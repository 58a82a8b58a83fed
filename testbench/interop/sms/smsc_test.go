//go:build peers

package sms

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"maskline/testbench/await"
	"maskline/testbench/script"
)

//go:embed smsc.js
var smscProgram string

// event is a line that the SMSC prints.
type event struct {
	Event      string
	Port       int
	Mode       string
	From, To   string
	Text       string
	Coding     int
	ESM        int
	Registered int
	UDH        []string
	ID         string
	Status     int
	Tag        string
	Command    string         // of peer.js: the PDU
	Whole      bool           // its text stood in message_payload
	Fields     map[string]any // all others, by node-smpp's names; octets in hexadecimal
}

// smsc is a carrier's SMSC, or another peer, played by a program.
type smsc struct {
	*script.Script[event]
	name string
	port int
}

func nodeModules(t *testing.T) string {
	t.Helper()
	modules, err := script.NodeModules("..")
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

func startSMSC(t *testing.T, name, modules string) *smsc {
	t.Helper()
	program := filepath.Join(t.TempDir(), "smsc.js")
	if err := os.WriteFile(program, []byte(smscProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", program, name)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	s := startProgram(t, name, cmd)
	s.awaitPort(t)
	return s
}

// awaitPort waits until the program listens.
func (s *smsc) awaitPort(t *testing.T) {
	t.Helper()
	eventually(t, s.name+" listens", func() bool {
		for _, e := range s.all("listening") {
			s.port = e.Port
		}
		return s.port != 0
	})
}

// startProgram starts a program that prints events and takes commands.
func startProgram(t *testing.T, name string, cmd *exec.Cmd) *smsc {
	t.Helper()
	run, err := script.Start[event](cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Close)
	return &smsc{Script: run, name: name}
}

// all lists the events of one kind.
func (s *smsc) all(kind string) []event {
	return s.All(func(e *event) bool { return e.Event == kind })
}

// submits lists the messages that came in one of the modes.
func (s *smsc) submits(modes ...string) (found []event) {
	for _, e := range s.all("submit") {
		for _, m := range modes {
			if e.Mode == m {
				found = append(found, e)
			}
		}
	}
	return found
}

// tell sends a command and waits until it was carried out.
func (s *smsc) tell(t *testing.T, command map[string]any) {
	t.Helper()
	before := len(s.all("done"))
	if err := s.Tell(command); err != nil {
		t.Fatal(err)
	}
	eventually(t, s.name+" has obeyed", func() bool { return len(s.all("done")) > before })
}

const patience = 30 * time.Second

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	await.That(t, patience, what, done)
}
