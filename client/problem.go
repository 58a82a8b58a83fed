package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// ErrUnavailable is what errors are when the edge, its store or its carriers are
// away, slow or overloaded: the same call may succeed later.
var ErrUnavailable = errors.New("client: the service is not available now")

// Error tells the code, what happened and how to name it to the operator.
func (p *Problem) Error() string {
	text := "client: " + p.Code + ": " + p.Title
	if p.Detail != "" {
		text += " " + p.Detail
	}
	for i := range p.Errors {
		text += " " + p.Errors[i].Field + ": " + p.Errors[i].Problem + "."
	}
	if p.RequestID != "" {
		text += " (" + p.RequestID + ")"
	}
	return text
}

// Is makes a problem of the service ErrUnavailable.
func (p *Problem) Is(target error) bool {
	return target == ErrUnavailable && (p.Status >= http.StatusInternalServerError || p.Code == "rate-limited" && p.RetryAfter > 0)
}

// CodeOf is the code of the problem that an error is, such as pool-exhausted; empty:
// it is none.
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// problemOf reads a problem. What is none, as of a proxy on the way, becomes one.
func problemOf(resp *http.Response, text []byte) error {
	p := &Problem{}
	if json.Unmarshal(text, p) != nil || p.Code == "" {
		p = &Problem{Code: "http-" + strconv.Itoa(resp.StatusCode), Title: http.StatusText(resp.StatusCode)}
	}
	p.Status = int64(resp.StatusCode)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.RetryAfter = int64(seconds)
	}
	return p
}
