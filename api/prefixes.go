package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"maskline/numberdb"
)

// Prefixes is what the control socket does with the imported prefixes of a
// running edge.
type Prefixes interface {
	// Import applies a whole CSV and returns when the edge routes by it. It replaces
	// the rows of the carriers that it names, or all. It returns the count of rows,
	// or *numberdb.Faults with nothing applied.
	Import(ctx context.Context, csv io.Reader, all bool) (int, error)
	// Export writes all imported prefixes as CSV.
	Export(ctx context.Context, w io.Writer) error
}

func (c *Control) importPrefixes(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), importTimeout)
	defer cancel()
	rows, err := c.Prefixes.Import(ctx, http.MaxBytesReader(w, r.Body, maxImport), r.URL.Query().Has("all"))
	answerImport(w, rows, err)
}

func (c *Control) exportPrefixes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	if err := c.Prefixes.Export(r.Context(), w); err != nil {
		panic(http.ErrAbortHandler) // as in exportBindings
	}
}

// answerImport tells what became of a file.
func answerImport(w http.ResponseWriter, rows int, err error) {
	var faults *numberdb.Faults
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		writeJSON(w, statusOf(problem.Code), problem)
	case errors.As(err, &faults):
		problem := Problem{Problem: "the file has faults, nothing of it was applied", More: faults.More}
		for _, f := range faults.List {
			problem.Faults = append(problem.Faults, f.String())
		}
		writeJSON(w, http.StatusUnprocessableEntity, problem)
	case err != nil:
		writeJSON(w, http.StatusServiceUnavailable, Problem{Problem: err.Error()})
	default:
		writeJSON(w, http.StatusOK, map[string]int{"rows": rows})
	}
}
