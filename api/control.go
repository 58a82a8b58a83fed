package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Bindings is what the control socket does with the bindings of a running edge.
type Bindings interface {
	// Import applies a whole CSV and returns when the local table has it. It
	// returns the count of rows, or *numberdb.Faults with nothing applied.
	Import(ctx context.Context, csv io.Reader) (int, error)
	// Export writes all bindings as CSV but those of sessions, and returns how many
	// these are.
	Export(ctx context.Context, w io.Writer) (ofSessions int, err error)
}

// Control serves the control socket.
type Control struct {
	Bindings Bindings
	Blocks   Blocks
	OptOuts  OptOuts
	Prefixes Prefixes
	Numbers  Numbers
	Pools    Pools
	Sessions Sessions
	Keys     Keys
	Explain  func(Question) (Explanation, error)
	Report   func() Report
	Audit    Audits
	// Reload applies the edge's configuration file again. file is the one that the
	// caller means, as an absolute path; empty: whichever the edge runs with. The
	// error may be a *Problem. Nil: this edge cannot.
	Reload func(file string) (Reloaded, error)
}

// Reloaded says what a reload did with the keys that had changed.
type Reloaded struct {
	Applied []string `json:"applied"` // in effect now
	Restart []string `json:"restart"` // in effect after the next start
}

type reloadRequest struct {
	File string `json:"file"`
}

// Question asks what would happen to a message or call.
type Question struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Service string `json:"service"` // "sms" or "voice"
	Tenant  string `json:"tenant"`  // empty: as if a carrier had brought it
	Text    string `json:"text"`    // what the message says
	Reveal  bool   `json:"reveal"`  // whole numbers instead of redacted ones
}

// Explanation is the answer to a Question.
type Explanation struct {
	Verdict     string      `json:"verdict"`
	Binding     string      `json:"binding"`           // what kind it is, in words; empty: there is none
	Session     string      `json:"session,omitempty"` // whose binding it is
	Tenant      string      `json:"tenant,omitempty"`
	Present     string      `json:"present,omitempty"`
	Destination string      `json:"destination,omitempty"`
	Answer      string      `json:"answer,omitempty"`
	Carriers    []Candidate `json:"carriers,omitempty"`
	Rules       []Said      `json:"rules"` // the whole chain, in order
}

// Said is what one rule of the chain said.
type Said struct {
	Rule string `json:"rule"`
	Said string `json:"said"`
}

// Candidate is one carrier in an Explanation.
type Candidate struct {
	Place   int    `json:"place"` // from 1; 0: not eligible
	Carrier string `json:"carrier"`
	Why     string `json:"why"`
	Prefix  string `json:"prefix,omitempty"`  // by which it serves the destination; as long as a number, redacted
	Cost    string `json:"cost,omitempty"`    // per unit; empty: 0
	Quality *int   `json:"quality,omitempty"` // 0 to 100
	Present string `json:"present,omitempty"` // where it differs from the Explanation's
}

// Problem is the body of a control request that failed.
type Problem struct {
	Problem string   `json:"problem"`
	Faults  []string `json:"faults,omitempty"`
	More    int      `json:"more,omitempty"`
	Code    string   `json:"code,omitempty"`            // where programs may want to tell it from others
	Reason  string   `json:"reason,omitempty"`          // of an exhausted pool
	Pools   []string `json:"suggested_pools,omitempty"` // that would do instead
}

const (
	maxImport     = 4 << 30
	importTimeout = 30 * time.Minute
)

// How long a client of a control socket may have to wait: a little longer than its
// server takes to give up.
const (
	AnswerTimeout = maxProfile + answerTimeout      // until an answer begins
	FileTimeout   = importTimeout + 2*answerTimeout // with a file in the request or the answer, to the end
)

// ControlLimits bound the server of a control socket.
func ControlLimits() ServerConfig {
	return ServerConfig{HeaderTimeout: 5 * time.Second, ReadTimeout: importTimeout, WriteTimeout: importTimeout + answerTimeout}
}

// Handler is the whole control socket.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /bindings", c.importBindings)
	mux.HandleFunc("GET /bindings", c.exportBindings)
	mux.HandleFunc("POST /prefixes", c.importPrefixes)
	mux.HandleFunc("GET /prefixes", c.exportPrefixes)
	c.blockRoutes(mux)
	c.optOutRoutes(mux)
	c.numberRoutes(mux)
	c.poolRoutes(mux)
	c.sessionRoutes(mux)
	c.keyRoutes(mux)
	mux.HandleFunc("POST /route", answering("from, to and service", func(_ context.Context, q Question) (Explanation, error) {
		return c.Explain(q)
	}))
	c.auditRoutes(mux)
	mux.HandleFunc("POST /reload", answering("file", c.reload))
	mux.HandleFunc("GET /profile/{kind}", profile)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Report()) })
	return mux
}

func (c *Control) importBindings(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), importTimeout)
	defer cancel()
	rows, err := c.Bindings.Import(ctx, http.MaxBytesReader(w, r.Body, maxImport))
	answerImport(w, rows, err)
}

func (c *Control) exportBindings(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Trailer", OfSessions)
	ofSessions, err := c.Bindings.Export(r.Context(), w)
	if err != nil {
		// The status has gone out: break the connection so that the client
		// cannot take a part for the whole.
		panic(http.ErrAbortHandler)
	}
	w.Header().Set(OfSessions, strconv.Itoa(ofSessions))
}

// OfSessions is the trailer of an export of bindings that counts what it leaves
// out.
const OfSessions = "Maskline-Of-Sessions"

func (c *Control) reload(_ context.Context, asked reloadRequest) (Reloaded, error) {
	if c.Reload == nil {
		return Reloaded{}, &Problem{Problem: "this edge runs without a configuration file", Code: CodeNotFound}
	}
	return c.Reload(asked.File)
}

// ReadProblem makes an error of a control response other than 200.
func ReadProblem(body io.Reader) error {
	var p Problem
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&p); err != nil {
		return fmt.Errorf("reading the edge's answer: %w", err)
	}
	return &p
}

// Error is the problem and its faults, one to a line.
func (p *Problem) Error() string {
	text := p.Problem
	for _, f := range p.Faults {
		text += "\n" + f
	}
	if p.More > 0 {
		text += fmt.Sprintf("\nand %d more", p.More)
	}
	return text
}
