package rtpload

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"maskline/testbench/rtp"
)

// Report is what became of the packets of all calls.
type Report struct {
	Calls    int `json:"calls"`
	Sent     int `json:"sent"`
	Received int `json:"received"` // by the party that they were meant for, unaltered
	// Lost are missing. While the parties talk, those at the end are not known.
	Lost       int `json:"lost"`
	Duplicated int `json:"duplicated"`
	Late       int `json:"late"` // overtaken by a later one
	// Foreign ones came from the relay, and the other party has not sent them:
	// injected, altered, or Crossed, which are another call's.
	Foreign     int       `json:"foreign"`
	Crossed     int       `json:"crossed"`
	WrongSource int       `json:"wrong_source"` // not from the relay's port
	Delay       Delay     `json:"delay_us"`
	Behind      float64   `json:"behind"` // part of the moments at which the generator was late
	Attack      *Attacked `json:"attack,omitempty"`
}

// Delay is how long packets were on their way, by the kernel's time of receipt.
type Delay struct{ rtp.Latency }

// MarshalJSON tells quantiles in microseconds.
func (d Delay) MarshalJSON() ([]byte, error) {
	us := func(q float64) int64 { return d.Quantile(q).Microseconds() }
	return json.Marshal(map[string]int64{"p50": us(0.5), "p90": us(0.9), "p99": us(0.99), "p999": us(0.999), "max": us(1)})
}

// String is for people.
func (d *Delay) String() string {
	round := func(q float64) time.Duration { return d.Quantile(q).Round(time.Microsecond) }
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v, p99.9 %v, longest %v", round(0.5), round(0.9), round(0.99), round(0.999), round(1))
}

// Report is what became of the packets until now.
func (l *Load) Report() Report {
	r := Report{Calls: len(l.calls)}
	for _, c := range l.calls {
		for _, s := range []*rtp.Stream{c.a, c.b} {
			r.add(s.Report())
		}
	}
	for _, g := range l.generators {
		r.Behind = max(r.Behind, g.Late())
	}
	return r
}

func (r *Report) add(s rtp.Report) {
	r.Sent += s.Sent
	r.Received += s.Received
	r.Lost += s.Lost
	r.Duplicated += s.Duplicated
	r.Late += s.Late
	r.Foreign += s.Foreign
	r.Crossed += s.Crossed
	r.WrongSource += s.WrongSource
	r.Delay.Merge(&s.Latency)
}

// Since is what became of them after an earlier report of the same load.
func (r Report) Since(o Report) Report {
	r.Sent -= o.Sent
	r.Received -= o.Received
	r.Lost -= o.Lost
	r.Duplicated -= o.Duplicated
	r.Late -= o.Late
	r.Foreign -= o.Foreign
	r.Crossed -= o.Crossed
	r.WrongSource -= o.WrongSource
	r.Delay.Sub(&o.Delay.Latency)
	return r
}

// Wrong counts what must not happen, losses aside.
func (r *Report) Wrong() int { return r.Duplicated + r.Foreign + r.WrongSource }

// Faulty lists what must not happen on a sound relay.
func (r *Report) Faulty() []string {
	type fault struct {
		n    int
		what string
	}
	faults := []fault{
		{r.Lost, "lost"},
		{r.Duplicated, "duplicated"},
		{r.Foreign - r.Crossed, "injected or altered"},
		{r.Crossed, "of another call"},
		{r.WrongSource, "from elsewhere"},
	}
	if r.Attack != nil {
		faults = append(faults, fault{r.Attack.Received, "sent to the attacker"})
	}
	var all []string
	for _, f := range faults {
		if f.n != 0 {
			all = append(all, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return all
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("packets", "%d sent in %d calls, %d received", r.Sent, r.Calls, r.Received)
	line("bad", "%d lost, %d duplicated, %d injected or altered, %d of another call, %d from elsewhere",
		r.Lost, r.Duplicated, r.Foreign-r.Crossed, r.Crossed, r.WrongSource)
	line("order", "%d overtaken", r.Late)
	line("delay", "%v", &r.Delay)
	line("generator", "late at %.1f %% of its moments", 100*r.Behind)
	if a := r.Attack; a != nil {
		line("attack", "%d packets sent, %d received by the attackers, of which %d are the parties'", a.Sent, a.Received, a.Stolen)
	}
}
