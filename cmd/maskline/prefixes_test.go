package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

const testPrefixes = "carrier,prefix,cost,quality\nbravo,44,0.004,80\nbravo,4477,0.0062,\nalfa,44770,0.005,90\n"

// The commands do the same on a running edge and without one.
func TestPrefixes(t *testing.T) {
	for _, name := range []string{"without an edge", "with an edge"} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
			var r *running
			if name == "with an edge" {
				r = startEdge(t, c)
			}
			c.write("prefixes.csv", testPrefixes)
			if out := c.ok("prefixes", "import", "prefixes.csv", "--config", "edge.yaml"); out != "imported 3 prefixes\n" {
				t.Errorf("import says %q", out)
			}
			if out := c.ok("prefixes", "export", "--config", "edge.yaml"); out != testPrefixes {
				t.Errorf("export differs:\n%s", out)
			}
			list := "PREFIX  CARRIER  COST    QUALITY  SERVICES   VALID FROM\n4477    bravo    0.0062           sms+voice  \n"
			if out := c.ok("prefixes", "list", "--prefix", "+447", "--carrier", "bravo", "--config", "edge.yaml"); out != list {
				t.Errorf("list:\n%q", out)
			}
			asJSON := `[{"carrier":"alfa","prefix":"44770","cost":"0.005","quality":90,"services":"sms+voice"}]` + "\n"
			if out := c.ok("prefixes", "list", "--carrier", "alfa", "--json", "--config", "edge.yaml"); out != asJSON {
				t.Errorf("list as JSON:\n%s", out)
			}
			route := c.ok("route", "+447700900101", "442079460011", "--config", "edge.yaml")
			if !strings.Contains(route, ", prefix 44770, cost 0.005, quality 90\n") || !strings.Contains(route, ", prefix 4477, cost 0.0062\n") {
				t.Errorf("route:\n%s", route)
			}
			if r != nil {
				if out := r.get("/metrics").body; !strings.Contains(out, "\nmaskline_routing_prefixes 4\n") {
					t.Error("the metrics do not count three imported prefixes and one of the configuration")
				}
			}

			c.write("bad.csv", "carrier,prefix,cost,quality\nbravo,33,1,\ncharlie,33,x,\n")
			code, _, errs := c.run("prefixes", "import", "bad.csv", "--config", "edge.yaml")
			if code != 1 || !strings.Contains(errs, "nothing of it was applied\nline 3, column 1 (carrier)") || !strings.Contains(errs, "(cost)") {
				t.Errorf("exit %d: %s", code, errs)
			}
			c.write("more.csv", "carrier,prefix,cost,quality\nalfa,33,1,\n")
			c.ok("prefixes", "import", "more.csv", "--config", "edge.yaml")
			merged := "carrier,prefix,cost,quality\nalfa,33,1,\nbravo,44,0.004,80\nbravo,4477,0.0062,\n"
			if out := c.ok("prefixes", "export", "--config", "edge.yaml"); out != merged {
				t.Errorf("the rows of one carrier are not replaced:\n%s", out)
			}
			c.refuses(1, "prefix: expected 1 to 15 digits", "prefixes", "list", "--prefix", "44x")
			if out := c.ok("prefixes", "import", "more.csv", "--all", "--config", "edge.yaml"); out != "imported 1 prefix\n" {
				t.Errorf("import says %q", out)
			}
			if out := c.ok("prefixes", "export", "--config", "edge.yaml"); out != "carrier,prefix,cost,quality\nalfa,33,1,\n" {
				t.Errorf("the rows of all are not replaced:\n%s", out)
			}
		})
	}
}

func TestPrefixesOutliveTheEdgeAndAReload(t *testing.T) {
	c := newCLI(t)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	c.write("prefixes.csv", testPrefixes)
	c.ok("prefixes", "import", "prefixes.csv", "--config", "edge.yaml")
	startEdge(t, c)
	priced := func(when, want string) {
		t.Helper()
		if out := c.ok("route", "+447700900101", "442079460011", "--config", "edge.yaml"); !strings.Contains(out, want) {
			t.Errorf("%s:\n%s", when, out)
		}
	}
	priced("started", "prefix 44770, cost 0.005")
	c.write("edge.yaml", strings.Replace(testConfig, "priority: 20", "priority: 20, cost: 3, prefixes: [\"447700\"]", 1)+"routing: {min_quality: 95}\n")
	if out := c.ok("reload", "--config", "edge.yaml"); !strings.Contains(out, "applied: routing.min_quality\n") {
		t.Errorf("told %q", out)
	}
	priced("reloaded, what was imported", "quality too low, prefix 44770, cost 0.005")
	priced("reloaded, what is configured", "prefix 447700, cost 3\n")

	// A file that somebody has damaged is no reason to route by half of it.
	if err := os.WriteFile(c.path("data/prefixes.csv"), []byte("carrier"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := c.run("reload", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "the file of prefixes is damaged") {
		t.Errorf("exit %d: %s", code, errs)
	}
	priced("not reloaded", "prefix 447700, cost 3\n")
}

func TestASlowFileOfPrefixesKeepsNoReloadWaiting(t *testing.T) {
	c := newCLI(t)
	r := startEdge(t, c)
	arriving, file := io.Pipe()
	imported := make(chan error, 1)
	go func() {
		_, err := r.prefixes.Import(t.Context(), arriving, false)
		imported <- err
	}()
	for _, part := range []string{"carrier,prefix,cost,quality\n", "alfa,33,1,\n"} {
		if _, err := io.WriteString(file, part); err != nil { // returns when it was read
			t.Fatal(err)
		}
		if !r.prefixes.mu.TryLock() {
			file.Close()
			t.Fatal("a reload would wait for the rest of the file")
		}
		r.prefixes.mu.Unlock()
	}
	file.Close()
	if err := <-imported; err != nil {
		t.Fatal(err)
	}
	if out := c.ok("prefixes", "export", "--config", "edge.yaml"); out != "carrier,prefix,cost,quality\nalfa,33,1,\n" {
		t.Errorf("export:\n%s", out)
	}
}
