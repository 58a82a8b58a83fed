package problem

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Error is a problem as operations return it. It is an error with an HTTP status
// and header fields of its own.
type Error struct {
	Code           Code
	Detail         string        // of this occurrence, without anything that was submitted; empty: the title says it
	Fields         []Field       // faults of fields, all at once
	RetryAfter     time.Duration // when to try again; 0: nothing is said
	Reason         string        // why a pool is exhausted, or a request was stopped
	SuggestedPools []string      // that would do instead
	NextStep       string        // what the caller is to do first
}

// Field is a fault of one field.
type Field struct {
	Field   string `json:"field" doc:"Where, such as body.participants[0].number."`
	Problem string `json:"problem" doc:"What was expected there."`
}

// New is a problem without more.
func New(code Code) *Error { return &Error{Code: code} }

// Invalid is a validation-failed with one field.
func Invalid(field, expected string) *Error {
	return &Error{Code: ValidationFailed, Fields: []Field{{field, expected}}}
}

// Unavailable is a storage-unavailable that says when to try again.
func Unavailable() *Error { return &Error{Code: StorageUnavailable, RetryAfter: time.Second} }

// Error is the code and the detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Detail
}

// GetStatus is the HTTP status.
func (e *Error) GetStatus() int { return Of(e.Code).Status }

// GetHeaders are the fields that belong to the problem.
func (e *Error) GetHeaders() http.Header {
	h := http.Header{}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.Seconds()))
	}
	if e.Code == Unauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="maskline"`) // RFC 6750 §3
	}
	return h
}

// Seconds are those of RetryAfter, whole ones and never too few.
func (e *Error) Seconds() int { return int(math.Ceil(e.RetryAfter.Seconds())) }

// ContentType is that of RFC 9457 §3.
func (e *Error) ContentType(string) string { return contentType }

const contentType = "application/problem+json"

// Problem is an Error on the wire.
type Problem struct {
	Type           string   `json:"type" format:"uri-reference" doc:"URI of the kind of problem; GET tells of it."`
	Title          string   `json:"title" doc:"What has happened, in a sentence."`
	Status         int      `json:"status" doc:"HTTP status."`
	Code           Code     `json:"code" doc:"The kind of problem, for programs."`
	Detail         string   `json:"detail,omitempty" doc:"More of this occurrence."`
	RequestID      string   `json:"request_id" doc:"The same as in the field X-Request-Id: name it to the operator."`
	Errors         []Field  `json:"errors,omitempty" nullable:"false" doc:"Faults of fields, all that were found."`
	RetryAfter     int      `json:"retry_after,omitempty" doc:"Try again after so many seconds."`
	Reason         string   `json:"reason,omitempty" doc:"Why, in a word."`
	SuggestedPools []string `json:"suggested_pools,omitempty" nullable:"false" doc:"Pools that would do instead."`
	NextStep       string   `json:"next_step,omitempty" doc:"What to do first."`
}

// Body is the problem for a request.
func (e *Error) Body(requestID string) *Problem {
	about := Of(e.Code)
	return &Problem{
		Type: "/v1/problems/" + string(about.Code), Title: about.Title, Status: about.Status, Code: about.Code, Detail: e.Detail,
		RequestID: requestID, Errors: e.Fields, RetryAfter: e.Seconds(), Reason: e.Reason, SuggestedPools: e.SuggestedPools, NextStep: e.NextStep,
	}
}

// Write answers a request with the problem, where nothing was written yet.
func (e *Error) Write(w http.ResponseWriter, requestID string) {
	for name, values := range e.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(e.GetStatus())
	_ = json.NewEncoder(w).Encode(e.Body(requestID)) // the client has gone: nobody is left to tell
}
