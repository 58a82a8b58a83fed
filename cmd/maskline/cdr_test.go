package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/ledger"
	"maskline/seal"
	"maskline/sip"
)

// writeRecords writes records as an edge with the test's configuration would, and
// returns their file.
func writeRecords(t *testing.T, c *cli, all ...*sip.Record) string {
	t.Helper()
	key, _, err := seal.LoadOrCreate(filepath.Join(c.path("data"), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	cdrs, err := ledger.OpenCDRs(ledger.CDRConfig{Dir: c.path("cdr"), Node: "edge-1"}, key, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		records{cdrs}.Add(r)
	}
	if err := cdrs.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(c.path("cdr/*.jsonl"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v %v", names, err)
	}
	return names[0]
}

func TestCDROpen(t *testing.T) {
	c := newCLI(t)
	began := time.Date(2026, 11, 22, 3, 40, 6, 123456789, time.UTC)
	file := writeRecords(t, c, &sip.Record{
		ID: "abc", Tenant: "shop", From: sip.Endpoint{Trunk: "alfa/1", Carrier: "alfa"}, To: sip.Endpoint{Trunk: "shop/pbx1"},
		Received: began, Answered: began.Add(time.Second), Ended: began.Add(61500 * time.Millisecond),
		EndedBy: sip.EndedByCallee, Reason: "callee", Code: 200, Mask: e164.MustParse("442079460033"), Presented: e164.MustParse("442079460044"),
		Caller: e164.MustParse("447700900101"), CalledUser: "desk", Codec: "PCMA/8000", Media: &sip.MediaStats{
			A: sip.MediaSide{Packets: 1, OneWay: true}, Dropped: 4,
			B: sip.MediaSide{Octets: 2, Lost: 3, Reordered: 4, Duplicates: 5, Gaps: 2, Jitter: 1260 * time.Microsecond, RoundTrip: 80040 * time.Microsecond, R: 88.88, MOS: 4.306},
		},
		Attempts: []sip.Attempt{{Endpoint: sip.Endpoint{Trunk: "shop/pbx1"}, Outcome: "answered", Code: 200, Began: began, Answered: began, Ended: began}},
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"node":"edge-1","tenant":"shop"`, `"talked":60.5`, `"ended_by":"callee","bye":"callee","reason":"callee","code":200`,
		`"from_trunk":"alfa/1","from_carrier":"alfa","to_trunk":"shop/pbx1","mask":"+442079460033","presented":"+442079460044"`,
		`"rtp":{"caller":{"packets":1,"octets":0,"lost":0,"one_way":true},"callee":{"packets":0,"octets":2,"lost":3,"reordered":4,"duplicates":5,"gaps":2,"jitter_ms":1.3,"round_trip_ms":80,"r":88.9,"mos":4.31},"dropped":4}`,
		`"attempts":[{"trunk":"shop/pbx1","outcome":"answered","code":200`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	if strings.Contains(string(text), "7700900101") || strings.Contains(string(text), "desk") {
		t.Errorf("a party in clear: %s", text)
	}
	if out := c.ok("cdr", "open", file, "--config", "edge.yaml"); !strings.Contains(out, `"parties":{"caller":"+447700900101","called":"desk"}`) {
		t.Errorf("opened: %s", out)
	}
}

func TestCDROpenTellsOfFaults(t *testing.T) {
	c := newCLI(t)
	file := writeRecords(t, c, &sip.Record{ID: "abc", Caller: e164.MustParse("447700900101")})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.write("mixed.jsonl", "garbage\n"+string(text)+strings.Replace(string(text), `"id":"abc"`, `"id":"abd"`, 1))
	code, out, errs := c.run("cdr", "open", c.path("mixed.jsonl"), "--config", "edge.yaml")
	if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(errs, "line 1: ") || !strings.Contains(errs, "line 3: ") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if strings.Contains(errs, "garbage") {
		t.Errorf("the fault quotes the file: %s", errs)
	}
	if code, _, errs := c.run("cdr", "open", c.path("nothing.jsonl"), "--config", "edge.yaml"); code != 1 || errs == "" {
		t.Errorf("a missing file: exit %d: %s", code, errs)
	}
}
