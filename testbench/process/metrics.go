package process

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Metrics is one scrape.
type Metrics struct {
	Text    []byte
	samples []sample
}

type sample struct {
	name   string
	labels map[string]string
	value  float64
}

// Metrics scrapes /metrics.
func (e *Edge) Metrics(ctx context.Context) (*Metrics, error) {
	status, body, err := e.Get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("scraping: status %d", status)
	}
	return parseMetrics(body)
}

func parseMetrics(text []byte) (*Metrics, error) {
	m := &Metrics{Text: text}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := parseSample(line)
		if err != nil {
			return nil, fmt.Errorf("scraping: %w", err)
		}
		m.samples = append(m.samples, s)
	}
	return m, nil
}

// parseSample reads a line of the text format: name{label="value",...} value.
func parseSample(line string) (s sample, err error) {
	at := strings.IndexAny(line, "{ ")
	if at < 0 {
		return s, fmt.Errorf("a line without a value")
	}
	s.name, line = line[:at], line[at:]
	s.labels = map[string]string{}
	if line[0] == '{' {
		line = line[1:]
		for !strings.HasPrefix(line, "}") {
			name, rest, found := strings.Cut(line, "=")
			quoted, err := strconv.QuotedPrefix(rest)
			if !found || err != nil {
				return s, fmt.Errorf("a label without a value")
			}
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return s, fmt.Errorf("a label without a value")
			}
			s.labels[name] = value
			line = strings.TrimPrefix(rest[len(quoted):], ",")
		}
		line = line[1:]
	}
	s.value, err = strconv.ParseFloat(strings.TrimSpace(line), 64)
	return s, err
}

// Sum adds up the samples of a name whose labels have these values, given as
// name, value, name, value.
func (m *Metrics) Sum(name string, labels ...string) float64 {
	var sum float64
	for _, s := range m.samples {
		fits := s.name == name
		for i := 0; i+1 < len(labels); i += 2 {
			fits = fits && s.labels[labels[i]] == labels[i+1]
		}
		if fits {
			sum += s.value
		}
	}
	return sum
}
