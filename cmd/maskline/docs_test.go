package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/configs"
)

// describing notes everything that is registered.
type describing struct {
	*prometheus.Registry
	metrics map[string]described
}

type described struct{ labels, help string }

var descText = regexp.MustCompile(`fqName: "([^"]+)", help: "([^"]+)", unit: "[^"]*", constLabels: {[^}]*}, variableLabels: {([^}]*)}`)

func (d *describing) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 1000)
	c.Describe(descs)
	close(descs)
	for desc := range descs {
		if m := descText.FindStringSubmatch(desc.String()); m != nil {
			d.metrics[m[1]] = described{strings.ReplaceAll(m[3], ",", ", "), m[2]}
		}
	}
	return d.Registry.Register(c)
}

func (d *describing) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := d.Register(c); err != nil {
			panic(err)
		}
	}
}

var update = flag.Bool("update", false, "write the generated parts of docs")

const metricsHead = `# Metrics

Everything that ` + "`/metrics`" + ` serves, in the text format of Prometheus, beside the usual ` + "`go_*`" + ` and ` + "`process_*`" + `.
Labels name carriers, accounts, trunks, commands, statuses and reasons; never a number.
This page is made from the code: ` + "`go test ./cmd/maskline -run Metric -update`" + `.

| metric | labels | meaning |
|---|---|---|
`

func TestMetricsAreDocumented(t *testing.T) {
	d := &describing{prometheus.NewRegistry(), map[string]described{}}
	c := newCLI(t)
	c.write("edge.yaml", testConfig+"sip: {listen: [{addr: \"udp://127.0.0.1:0\"}]}\nmedia: {ports: 21000-21099}\nobserve: {cdr: {dir: cdr}}\n")
	cfg, err := configs.Load(c.path("edge.yaml"), func(string) (string, bool) { return "pw", true })
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEdge(t.Context(), cfg, zap.NewNop(), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	text := metricsHead
	for _, name := range slices.Sorted(maps.Keys(d.metrics)) {
		if strings.HasPrefix(name, "maskline_") {
			m := d.metrics[name]
			text += fmt.Sprintf("| `%s` | %s | %s |\n", name, m.labels, m.help)
		}
	}
	const file = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, string(page)); diff != "" {
		t.Errorf("docs/metrics.md is not what the code has; -update writes it:\n%s", diff)
	}
}

var metricName = regexp.MustCompile(`\bmaskline_(?:api|ledger|media|numberdb|pool|routing|sessions|sip|smpp)_[a-z_]*[a-z]`)

// TestMetricsOfTheDocsExist finds alarms and formulas that would never fire.
func TestMetricsOfTheDocsExist(t *testing.T) {
	list := readPage(t, "../..", "docs/metrics.md")
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md") {
		for _, name := range metricName.FindAllString(readPage(t, "", page), -1) {
			base := name
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, part)
			}
			if !strings.Contains(list, "`"+name+"`") && !strings.Contains(list, "`"+base+"`") {
				t.Errorf("%s names %s, which is no metric", filepath.Base(page), name)
			}
		}
	}
}

func TestEveryCommandIsInTheREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&commands{}, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		if command := "maskline " + strings.Join(strings.Fields(leaf.Path()), " "); !strings.Contains(string(text), strings.TrimPrefix(command, "maskline maskline ")) {
			t.Errorf("README.md does not show %q", command)
		}
	}
}
