package rest

import (
	"net/http"

	"maskline/api/problem"
)

// response notes the status, and gives what no operation answers the form of a
// problem: the mux's own answers are plain text.
type response struct {
	http.ResponseWriter
	request *http.Request
	id      string
	status  int
	wrote   bool
	swallow bool // what the mux says itself
}

// WriteHeader begins the answer.
func (w *response) WriteHeader(status int) {
	if w.wrote {
		return
	}
	w.wrote, w.status = true, status
	if w.request.Pattern == "" && w.Header().Get("Content-Type") != problemType {
		w.swallow = true
		code := problem.NotFound
		if status == http.StatusMethodNotAllowed {
			code = problem.MethodNotAllowed
		}
		direct := &plain{w.ResponseWriter, &w.status}
		problem.New(code).Write(direct, w.id)
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *response) Write(part []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.swallow {
		return len(part), nil
	}
	return w.ResponseWriter.Write(part)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// plain notes the status alone.
type plain struct {
	http.ResponseWriter
	status *int
}

// WriteHeader notes the status.
func (w *plain) WriteHeader(status int) {
	*w.status = status
	w.ResponseWriter.WriteHeader(status)
}
