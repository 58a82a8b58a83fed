package rest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
)

// Operation declares an operation of the API.
type Operation struct {
	ID      string // such as createSession
	Method  string
	Path    string // such as /v1/sessions/{id}
	Summary string
	Text    string     // more of it; may be empty
	Tag     string     // the resource, for the order of the document
	Scope   auth.Scope // that a key needs
	Public  bool       // no key is needed
	// Operator operations are for keys of the operator alone.
	Operator bool
	// Idempotent operations need the field Idempotency-Key; see Attempt.
	Idempotent bool
	// Stream operations answer for as long as they like.
	Stream   bool
	Status   int            // of success; 0: 200, or 204 where there is no body
	Problems []problem.Code // beside those that every operation can answer
}

const (
	metaScope      = "scope"
	metaPublic     = "public"
	metaOperator   = "operator"
	metaStream     = "stream"
	metaIdempotent = "idempotent"
	metaOAuth      = "oauth"
)

// Register adds an operation to an *API. What handler returns as an error may be a
// *problem.Error; anything else is told as an internal error and logged. Inputs and
// outputs are structs as huma describes them; the names of their types become those
// of the document, so they must differ between packages.
func Register[I, O any](api huma.API, op Operation, handler func(context.Context, *I) (*O, error)) {
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.text(), DefaultStatus: op.Status,
		Tags: []string{op.Tag}, Responses: map[string]*huma.Response{},
		Metadata: map[string]any{
			metaScope: op.Scope, metaPublic: op.Public, metaOperator: op.Operator, metaStream: op.Stream, metaIdempotent: op.Idempotent,
		},
		RejectUnknownQueryParameters: true,
	}
	h.Middlewares = huma.Middlewares{permit}
	if a, is := api.(*API); is {
		h.MaxBodyBytes, h.BodyReadTimeout = a.cfg.Body+1, a.cfg.Read
		if op.Idempotent {
			h.Middlewares = append(h.Middlewares, a.attempt)
		}
	}
	if !op.Public {
		h.Security = []map[string][]string{{keyScheme: {}}, {tokenScheme: op.scopes()}}
	}
	if op.Idempotent {
		h.Parameters = append(h.Parameters, idempotencyField())
	}
	for _, code := range op.problems() {
		op.describe(h.Responses, code, schemaOfProblems(api))
	}
	huma.Register(api, h, handler)
}

// problems are all that the operation can answer.
func (op *Operation) problems() []problem.Code {
	codes := append([]problem.Code{problem.Internal}, op.Problems...)
	if !op.Public {
		codes = append(codes, problem.Unauthorized, problem.RateLimited, problem.InsufficientScope, problem.StorageUnavailable)
	}
	if strings.Contains(op.Path, "{") || op.Method == http.MethodGet {
		codes = append(codes, problem.ValidationFailed)
	}
	if strings.Contains(op.Path, "{") && !op.Public {
		codes = append(codes, problem.NotFound)
	}
	if op.Method != http.MethodGet && op.Method != http.MethodDelete {
		codes = append(codes, problem.ValidationFailed, problem.MalformedRequest, problem.BodyTooLarge, problem.RequestTimeout, problem.UnsupportedMediaType,
			problem.Maintenance)
	}
	if op.Idempotent {
		codes = append(codes, problem.IdempotencyMissing, problem.IdempotencyConflict, problem.IdempotencyMismatch)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// scopes are what a token needs.
func (op *Operation) scopes() []string {
	if op.Scope == "" {
		return []string{}
	}
	return []string{string(op.Scope)}
}

// describe adds a problem to the responses; several codes may share a status.
func (op *Operation) describe(responses map[string]*huma.Response, code problem.Code, schema *huma.Schema) {
	status := strconv.Itoa(problem.Of(code).Status)
	if known := responses[status]; known != nil {
		known.Description += ", `" + string(code) + "`"
		return
	}
	responses[status] = &huma.Response{
		Description: "`" + string(code) + "`",
		Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
	}
}

const problemType = "application/problem+json"

func (op *Operation) text() string {
	text := op.Text
	add := func(sentence string) {
		if text != "" {
			text += " "
		}
		text += sentence
	}
	if op.Scope != "" {
		add("Needs the scope `" + string(op.Scope) + "`.")
	}
	if op.Operator {
		add("For keys of the operator.")
	}
	return text
}

func isPublic(op *huma.Operation) bool { return op.Metadata[metaPublic] == true }

func isOAuth(op *huma.Operation) bool { return op.Metadata[metaOAuth] == true }

// Streams reports whether an operation answers for as long as it likes.
func Streams(op *huma.Operation) bool { return op.Metadata[metaStream] == true }

// permits reports whether the identity may call the operation.
func permits(op *huma.Operation, who *auth.Identity) bool {
	scope, declared := op.Metadata[metaScope].(auth.Scope)
	return declared && who.May(scope) && (op.Metadata[metaOperator] != true || who.Operator())
}
