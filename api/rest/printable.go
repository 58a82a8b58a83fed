package rest

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"maskline/api/problem"
)

// printable refuses queries that hold no text: Postgres takes neither NUL nor anything but
// UTF-8, and would look as if it were away.
func printable(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil || !utf8.ValidString(query) || strings.ContainsFunc(query, unicode.IsControl) {
		problem.Invalid("query", "expected UTF-8 without control characters").Write(w, RequestID(ctx.Context()))
		return
	}
	next(ctx)
}
