package rest

import (
	"context"
	"embed"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
)

const (
	keyScheme   = "key"
	tokenScheme = "token"
)

//go:embed page
var page embed.FS

// document is what the OpenAPI document says beside the operations.
func document(version string) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Maskline", Version: version,
			Description: "Masked and temporary phone numbers. Numbers are E.164 with a plus; those of people are redacted in answers " +
				"unless the key has the scope `pii:read`. Times are RFC 3339 in UTC, time spans whole seconds.",
		},
		Servers: []*huma.Server{{URL: "/"}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				keyScheme: {Type: "http", Scheme: "bearer", Description: "An API key: sk_live_… or sk_test_…."},
				tokenScheme: {Type: "oauth2", Description: "A token that lives a quarter of an hour.", Flows: &huma.OAuthFlows{
					ClientCredentials: &huma.OAuthFlow{TokenURL: tokenPath, Scopes: scopesOf(auth.Scopes())},
				}},
			},
		},
	}
}

// scopesOf are scopes of the document, with what they are for.
func scopesOf(list []auth.Scope) map[string]string {
	all := make(map[string]string, len(list))
	for _, scope := range list {
		of, what, named := strings.Cut(string(scope), ":")
		if all[string(scope)] = what + " " + of; !named {
			all[string(scope)] = of
		}
	}
	return all
}

// schemaOfProblems refers to that of every problem.
func schemaOfProblems(api huma.API) *huma.Schema {
	return api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem.Problem](), true, "Problem")
}

// serveDocument serves the document and a page that shows it. The document is
// written once, when it is asked for.
func (a *API) serveDocument() {
	written := sync.OnceValues(func() ([]byte, error) {
		schemas := a.OpenAPI().Components.Schemas.Map()
		delete(schemas, "ErrorModel") // huma's own, which no operation answers with
		delete(schemas, "ErrorDetail")
		return json.Marshal(a.OpenAPI())
	})
	a.mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		text, err := written()
		if err != nil {
			problem.New(problem.Internal).Write(w, RequestID(r.Context()))
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(text) // the client has gone: nobody is left to tell
	})
	for path, file := range map[string]struct{ name, kind string }{
		"/v1/docs":          {"page/docs.html", "text/html; charset=utf-8"},
		"/v1/docs/docs.js":  {"page/docs.js", "text/javascript; charset=utf-8"},
		"/v1/docs/docs.css": {"page/docs.css", "text/css; charset=utf-8"},
	} {
		a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			http.ServeFileFS(w, r, page, file.name)
		})
	}
}

type problemInput struct {
	Code string `path:"code" maxLength:"64" doc:"The code of a problem."`
}

// registerProblems lets the type of a problem be looked up.
func (a *API) registerProblems() {
	Register(a, Operation{
		ID: "getProblem", Method: http.MethodGet, Path: "/v1/problems/{code}", Summary: "What a problem's code means", Tag: "problems",
		Public: true, Problems: []problem.Code{problem.NotFound},
	}, func(_ context.Context, in *problemInput) (*Answer[problem.About], error) {
		about := problem.Of(problem.Code(in.Code))
		if string(about.Code) != in.Code {
			return nil, problem.New(problem.NotFound)
		}
		return Answering(about), nil
	})
}
