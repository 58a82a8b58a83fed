package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"maskline/numberdb"
	"maskline/routing"
)

// Health answers for a running edge.
type Health struct {
	Node     string
	Version  string
	Started  time.Time
	State    func() State
	Carriers func() []*routing.Carrier
	Links    func() Links
}

// State says whether the edge can do its work.
type State struct {
	Listening bool // every listener of the configuration is open
	Draining  bool // it finishes what is under way and takes nothing new
	Bindings  int  // in the table
	Table     numberdb.Freshness
}

// Ready reports whether new traffic may be sent here.
func (s *State) Ready() bool { return s.Listening && s.Table.Loaded && !s.Draining }

// Links is the state of the edge's binds, trunks and calls. The values come
// from smpp and sip, which this package does not know.
type Links struct {
	Binds  any `json:"binds"`
	Trunks any `json:"trunks"`
	Calls  int `json:"calls"`
}

// Routes adds /healthz and /readyz to mux.
func (h *Health) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "node": h.Node, "version": h.Version})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		report := h.Report()
		status := http.StatusOK
		if !report.Ready {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, report)
	})
}

// Report is the body of /readyz and of the command line's status.
type Report struct {
	Ready     bool            `json:"ready"`
	Node      string          `json:"node"`
	Version   string          `json:"version"`
	Uptime    string          `json:"uptime"`
	Listening bool            `json:"listening"`
	Draining  bool            `json:"draining"`
	Table     TableReport     `json:"table"`
	Carriers  []CarrierReport `json:"carriers"`
	Links
}

// TableReport is the state of the binding table.
type TableReport struct {
	Loaded   bool    `json:"loaded"`
	Bindings int     `json:"bindings"`
	StoreUp  bool    `json:"store_up"`
	Stale    bool    `json:"stale"`
	Lag      float64 `json:"lag_seconds"`
}

// CarrierReport is the state of one carrier for one service.
type CarrierReport struct {
	Carrier string `json:"carrier"`
	Service string `json:"service"`
	Up      bool   `json:"up"`
	Breaker string `json:"breaker"`
}

// Report reads the state of everything now.
func (h *Health) Report() Report {
	now := time.Now()
	state := h.State()
	report := Report{
		Ready: state.Ready(), Node: h.Node, Version: h.Version,
		Uptime:    now.Sub(h.Started).Truncate(time.Second).String(),
		Listening: state.Listening, Draining: state.Draining,
		Table: TableReport{
			Loaded: state.Table.Loaded, Bindings: state.Bindings, StoreUp: state.Table.Up,
			Stale: state.Table.Stale, Lag: state.Table.Lag.Seconds(),
		},
		Links: h.Links(),
	}
	for _, c := range h.Carriers() {
		for _, service := range []routing.Service{routing.SMS, routing.Voice} {
			if c.Services.Has(service) {
				report.Carriers = append(report.Carriers, CarrierReport{
					Carrier: c.Name, Service: service.String(), Up: c.Up(service), Breaker: c.Breaker(service, now).String(),
				})
			}
		}
	}
	return report
}

// Metrics is the handler of /metrics. It serves text only and bounds how many
// scrapes run at once.
func Metrics(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(body) // the client has gone: nobody is left to tell
}
