package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"maskline/testbench/smppload"
)

func TestTestbenchWritesBindingsThatImport(t *testing.T) {
	c := newCLI(t)
	c.ok("testbench", "smpp", "--write-csv", "load.csv", "--generate", "2500")
	if out := c.ok("routes", "import", "load.csv", "--config", "edge.yaml"); !strings.Contains(out, "imported 2500 bindings") {
		t.Fatal(out)
	}
}

func TestTestbenchSendsAndReports(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := newCLI(t)
	both := []string{"testbench", "smpp", "--in", "esme:" + addr, "--out", "smsc:" + addr, "--messages", "300"}
	var r smppload.Report
	if err := json.Unmarshal([]byte(c.ok(append(both, "--unmasked", "--receipts", "--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Accepted != 300 || r.Receipts != 300 {
		t.Errorf("%+v", r)
	}
	// What masks nothing is caught.
	code, out, errs := c.run(both...)
	if code != 1 || !strings.Contains(out, "300 misrouted, 300 leaked") || !strings.Contains(errs, "FAULT: 300 misrouted, 300 leaked") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

func TestTestbenchRefusesWhatMakesNoSense(t *testing.T) {
	c := newCLI(t)
	for _, args := range [][]string{
		nil,
		{"--in", "scp:127.0.0.1:1"},
		{"--in", "esme:127.0.0.1:1", "--throttle", "1.5"},
		{"--in", "esme:127.0.0.1:1", "--generate", "0"},
	} {
		if code, _, errs := c.run(append([]string{"testbench", "smpp"}, args...)...); code != 1 || errs == "" {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
}
