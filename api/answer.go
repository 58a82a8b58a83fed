package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Codes of problems that programs may want to tell from others.
const (
	CodePoolExhausted = "pool-exhausted"
	CodeNotFound      = "not-found"
	CodeUnavailable   = "storage-unavailable"
	CodeInvalid       = "validation-failed"
)

// statusOf is the HTTP status of a code.
func statusOf(code string) int {
	switch code {
	case CodePoolExhausted:
		return http.StatusConflict
	case CodeNotFound:
		return http.StatusNotFound
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnprocessableEntity
	}
}

const answerTimeout = time.Minute

// answering serves a question in JSON. Its errors may be a *Problem.
func answering[Q, A any](expected string, answer func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsked))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&q); err != nil {
			writeJSON(w, http.StatusBadRequest, Problem{Problem: "expected a JSON object with " + expected, Code: CodeInvalid})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		a, err := answer(ctx, q)
		var problem *Problem
		switch {
		case err == nil:
			writeJSON(w, http.StatusOK, a)
		case errors.As(err, &problem):
			writeJSON(w, statusOf(problem.Code), problem)
		default:
			writeJSON(w, http.StatusUnprocessableEntity, Problem{Problem: err.Error()})
		}
	}
}

const maxAsked = 4 << 20 // octets

// Duration is a time span as the configuration writes it: 1h30m.
type Duration time.Duration

// MarshalText writes it without parts that are zero.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is 1h30m rather than 1h30m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if short, cut := strings.CutSuffix(text, "m0s"); cut {
		text = short + "m"
	}
	if short, cut := strings.CutSuffix(text, "h0m"); cut {
		text = short + "h"
	}
	return text
}

// UnmarshalText reads what MarshalText writes.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
