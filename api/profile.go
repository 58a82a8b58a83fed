package api

import (
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"
)

// maxProfile bounds a CPU profile.
const maxProfile = time.Minute

// profile answers with a profile of the running edge in pprof's format. It
// holds names of functions and counts, and no values. That of the heap is taken
// after a full collection, so it counts what is held and not what is garbage.
func profile(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	switch kind {
	case "cpu":
		seconds, err := strconv.Atoi(r.URL.Query().Get("seconds"))
		last := time.Duration(seconds) * time.Second
		if err != nil || seconds < 1 || last > maxProfile {
			writeJSON(w, http.StatusBadRequest, Problem{Problem: "expected seconds from 1 to 60"})
			return
		}
		if err := pprof.StartCPUProfile(w); err != nil {
			writeJSON(w, http.StatusConflict, Problem{Problem: "another CPU profile is being taken"})
			return
		}
		defer pprof.StopCPUProfile()
		select {
		case <-r.Context().Done():
		case <-time.After(last):
		}
	case "heap", "goroutine":
		if kind == "heap" {
			runtime.GC()
			runtime.GC() // what pools hold goes with the second
		}
		_ = pprof.Lookup(kind).WriteTo(w, 0) // it fails with the connection only
	default:
		writeJSON(w, http.StatusNotFound, Problem{Problem: "expected cpu, heap or goroutine"})
	}
}
