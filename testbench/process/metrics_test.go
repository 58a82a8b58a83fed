package process

import "testing"

func TestMetricsAreParsed(t *testing.T) {
	m, err := parseMetrics([]byte(`# HELP a_total What is counted.
# TYPE a_total counter
a_total{peer="alfa",status="ok"} 3
a_total{peer="alfa",status="a \"b\" {c}, d"} 4
a_total{peer="bravo",status="ok"} 1e+06
b 0.5
`))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		labels []string
		want   float64
	}{
		{"a_total", nil, 1000007},
		{"a_total", []string{"peer", "alfa"}, 7},
		{"a_total", []string{"peer", "alfa", "status", `a "b" {c}, d`}, 4},
		{"a_total", []string{"peer", "charlie"}, 0},
		{"b", nil, 0.5},
		{"c", nil, 0},
	}
	for _, c := range cases {
		if got := m.Sum(c.name, c.labels...); got != c.want {
			t.Errorf("%s %v: %v, not %v", c.name, c.labels, got, c.want)
		}
	}
}

func TestBrokenMetrics(t *testing.T) {
	for _, text := range []string{"a", "a{", "a{b", "a{b=c} 1", "a x"} {
		if _, err := parseMetrics([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
