package rest

import (
	"context"
	"errors"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"maskline/api/problem"
)

// transform gives errors their form: those of huma lose everything that was
// submitted, and all of them get the request's id.
func (a *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	id := RequestID(ctx.Context())
	switch e := v.(type) {
	case *OAuthError:
		return e, nil
	case *problem.Error:
		return e.Body(id), nil
	case *huma.ErrorModel:
		return a.ofHuma(ctx, e).Body(id), nil
	case error:
		return asProblem(e).Body(id), nil
	}
	return v, nil
}

// asProblem is an error as a problem.
func asProblem(err error) *problem.Error {
	var p *problem.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.Unavailable()
	default:
		return problem.New(problem.Internal)
	}
}

// ofHuma is a fault that huma has found. Its status is on the wire already.
func (a *API) ofHuma(ctx huma.Context, e *huma.ErrorModel) *problem.Error {
	p := problem.New(problem.OfStatus(e.Status))
	if p.Code == problem.Internal {
		a.log.Error("an operation failed", zap.String("operation", ctx.Operation().OperationID),
			zap.String("request", RequestID(ctx.Context())), zap.String("cause", causeOf(e)))
		return p
	}
	for _, detail := range e.Errors {
		if detail != nil && len(p.Fields) < mostFields {
			p.Fields = append(p.Fields, problem.Field{Field: a.known.place(detail.Location), Problem: expected(detail.Message)})
		}
	}
	return p
}

// mostFields bounds how many faults a problem tells of.
const mostFields = 100

// causeOf is for the log alone. Errors of ours hold nothing that was submitted.
func causeOf(e *huma.ErrorModel) string {
	var all []string
	for _, detail := range e.Errors {
		if detail != nil && detail.Value == nil {
			all = append(all, detail.Message)
		}
	}
	return strings.Join(all, "; ")
}

// expected is a message without what follows a colon: parsers of others repeat
// there what they were given.
func expected(message string) string {
	text, _, _ := strings.Cut(message, ": ")
	return text
}

// names are those that the document knows: of parameters and of properties.
type names map[string]bool

// place is a location as far as its parts are names of the document: a client's
// own key is something that was submitted.
func (n names) place(location string) string {
	parts := strings.Split(location, ".")
	for i, part := range parts {
		name, index, indexed := strings.Cut(part, "[")
		if !n[name] || indexed && strings.Trim(index, "0123456789[]") != "" {
			return strings.Join(parts[:i], ".")
		}
	}
	return location
}

func namesOf(doc *huma.OpenAPI) names {
	all := names{"body": true, "query": true, "path": true, "header": true}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				all[p.Name] = true
			}
		}
	}
	for _, schema := range doc.Components.Schemas.Map() {
		all.add(schema)
	}
	return all
}

func (n names) add(schema *huma.Schema) {
	for name, property := range schema.Properties {
		n[name] = true
		if property != nil && property.Ref == "" {
			n.add(property)
		}
	}
}
