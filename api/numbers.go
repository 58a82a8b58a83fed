package api

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Number is a mask: one of the operator's own numbers, shown whole.
type Number struct {
	Number   string        `json:"number"`
	Pool     string        `json:"pool,omitempty"`
	Kind     string        `json:"kind"`
	Country  string        `json:"country,omitempty"`
	Region   string        `json:"region,omitempty"`
	Services string        `json:"services"`
	Carrier  string        `json:"carrier,omitempty"`
	Presents []string      `json:"presents,omitempty"`
	Cost     string        `json:"cost,omitempty"` // per month
	Flags    []string      `json:"flags,omitempty"`
	State    string        `json:"state"`
	Since    time.Time     `json:"since"` // of the state
	Parties  int           `json:"parties"`
	History  []NumberEvent `json:"history,omitempty"` // newest first; of one number alone
}

// NumberEvent is a line of a mask's history.
type NumberEvent struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	Why   string    `json:"why,omitempty"`
	Actor string    `json:"actor"`
}

// NumberQuery selects masks; empty fields select all.
type NumberQuery struct {
	Pool    string `json:"pool,omitempty"`
	State   string `json:"state,omitempty"`
	Country string `json:"country,omitempty"`
	Number  string `json:"number,omitempty"` // this one, with its history
}

// NumberStates puts masks into a state, all or none.
type NumberStates struct {
	Numbers []string `json:"numbers"`
	State   string   `json:"state"`
	Why     string   `json:"why,omitempty"`
	Changed int      `json:"changed,omitempty"`
}

// Numbers is what the control socket does with the masks of a running edge.
type Numbers interface {
	// Import adds or changes the masks of a whole CSV and returns how many, or
	// *numberdb.Faults with nothing applied. Rows that name no pool get this one. A
	// file of very many may have been written in part where the store fails.
	Import(ctx context.Context, csv io.Reader, pool string) (int, error)
	// Export writes all masks as CSV.
	Export(ctx context.Context, w io.Writer) error
	// List gives masks in the order of their numbers.
	List(ctx context.Context, q NumberQuery) ([]Number, error)
	// SetState changes states and returns how many it has changed.
	SetState(ctx context.Context, s NumberStates) (int, error)
}

func (c *Control) numberRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /numbers", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), importTimeout)
		defer cancel()
		rows, err := c.Numbers.Import(ctx, http.MaxBytesReader(w, r.Body, maxImport), r.URL.Query().Get("pool"))
		answerImport(w, rows, err)
	})
	mux.HandleFunc("GET /numbers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		if err := c.Numbers.Export(r.Context(), w); err != nil {
			panic(http.ErrAbortHandler) // as in exportBindings
		}
	})
	mux.HandleFunc("POST /numbers/list", answering("pool, state, country or number", func(ctx context.Context, q NumberQuery) ([]Number, error) {
		return c.Numbers.List(ctx, q)
	}))
	mux.HandleFunc("POST /numbers/state", answering("numbers and state", func(ctx context.Context, s NumberStates) (_ NumberStates, err error) {
		s.Changed, err = c.Numbers.SetState(ctx, s)
		return s, err
	}))
}
