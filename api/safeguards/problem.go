package safeguards

import (
	"errors"
	"fmt"
	"strings"

	"maskline/api/auth"
	"maskline/api/guard"
	"maskline/api/problem"
	"maskline/numberdb"
)

// whoOf is an identity as the guard knows it.
func whoOf(i auth.Identity) guard.Who { return guard.Who{Key: i.Key, Tenant: i.Tenant} }

// Problem is a refusal of the guard as the API tells it; any other error is itself.
func Problem(err error) error {
	var r *guard.Refusal
	if !errors.As(err, &r) {
		return err
	}
	p := &problem.Error{
		Code: problem.Code(r.Code), Detail: r.Detail, Reason: r.Reason, NextStep: r.NextStep, RetryAfter: r.RetryAfter,
	}
	if r.Field != "" {
		p.Fields = []problem.Field{{Field: "body." + r.Field, Problem: r.Detail}}
		p.Detail = ""
	}
	if why := explain(r.Points); why != "" {
		p.Detail = strings.TrimSpace(p.Detail + ": " + why)
	}
	return p
}

// explain tells what each rule found.
func explain(points []guard.Point) string {
	texts := make([]string, len(points))
	for i, p := range points {
		texts[i] = fmt.Sprintf("%s, %d in the last hour where %d pass (%d points)", p.Rule, p.Count, p.Limit, p.Points)
	}
	return strings.Join(texts, "; ")
}

// storeProblem is what an error of a store means.
func storeProblem(err error) error {
	if errors.Is(err, numberdb.ErrSealed) {
		return err // told as an internal error, and logged
	}
	return problem.Unavailable()
}
