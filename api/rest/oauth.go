package rest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"maskline/api/auth"
	"maskline/api/problem"
)

// ClientDesk recognises OAuth clients and gives them tokens. *auth.Keys does.
type ClientDesk interface {
	// Client recognises a client by its id and secret; source is address and port. Its
	// error is a *problem.Error.
	Client(source, id, secret string) (*auth.Identity, error)
	// Issue makes a token. Its error is auth.ErrScope or a *problem.Error.
	Issue(who *auth.Identity, scopes []auth.Scope) (auth.Token, error)
}

// OAuth is the token endpoint of RFC 6749 for the client credentials grant (§4.4). Its
// errors have the form of §5.2, which no other operation's have.
type OAuth struct {
	Desk ClientDesk
	// Admit counts a request of a client that was recognised, and may refuse it with a
	// *problem.Error.
	Admit func(who auth.Identity) error
}

const (
	tokenPath = "/v1/oauth/token"
	formType  = "application/x-www-form-urlencoded"
	mostForm  = 8 << 10 // octets
)

// OAuthError is an error on the wire (RFC 6749 §5.2).
type OAuthError struct {
	status      int
	retry       time.Duration
	Name        string `json:"error" enum:"invalid_request,invalid_client,unsupported_grant_type,invalid_scope,temporarily_unavailable,server_error" doc:"The kind of error."`
	Description string `json:"error_description,omitempty" doc:"What was expected."`
}

// Error is the kind.
func (e *OAuthError) Error() string { return e.Name }

// GetStatus is the HTTP status.
func (e *OAuthError) GetStatus() int { return e.status }

// GetHeaders are the fields that belong to the error.
func (e *OAuthError) GetHeaders() http.Header {
	h := http.Header{"Pragma": {"no-cache"}}
	if e.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="maskline"`)
	}
	if e.retry > 0 {
		h.Set("Retry-After", strconv.Itoa((&problem.Error{RetryAfter: e.retry}).Seconds()))
	}
	return h
}

func badForm(expected string) *OAuthError {
	return &OAuthError{status: http.StatusBadRequest, Name: "invalid_request", Description: expected}
}

// oauthOf is a problem as this endpoint tells it.
func oauthOf(err error) *OAuthError {
	p := asProblem(err)
	out := &OAuthError{status: p.GetStatus(), retry: p.RetryAfter, Name: "server_error"}
	switch p.Code {
	case problem.Unauthorized:
		out.Name = "invalid_client"
	case problem.RateLimited, problem.StorageUnavailable:
		out.Name = "temporarily_unavailable"
	default:
	}
	return out
}

// AccessToken is the answer (RFC 6749 §5.1).
type AccessToken struct {
	Token  string `json:"access_token" doc:"For the field Authorization: Bearer."`
	Type   string `json:"token_type" enum:"Bearer"`
	Life   int64  `json:"expires_in" doc:"Seconds."`
	Scopes string `json:"scope" doc:"What it may, divided by spaces."`
}

// TokenAnswer is a token that no cache keeps.
type TokenAnswer struct {
	Pragma string `header:"Pragma"`
	Body   AccessToken
}

// Register adds the operation.
func (o *OAuth) Register(api huma.API) {
	op := huma.Operation{
		OperationID: "createToken", Method: http.MethodPost, Path: tokenPath, Summary: "Exchange an API key for a token that lives a quarter of an hour", Tags: []string{"keys"},
		Description: "OAuth 2.0 client credentials (RFC 6749 §4.4): the client is an API key, by its id and its text, either by HTTP Basic or as client_id and client_secret. " +
			"Without scope the token has all scopes of the key.",
		Metadata:  map[string]any{metaPublic: true, metaOAuth: true},
		Responses: map[string]*huma.Response{},
	}
	if a, is := api.(*API); is {
		op.Middlewares = huma.Middlewares{a.takeForm}
	}
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[OAuthError](), true, "OAuthError")
	for status, text := range map[int]string{
		http.StatusBadRequest: "`invalid_request`, `unsupported_grant_type`, `invalid_scope`", http.StatusUnauthorized: "`invalid_client`",
		http.StatusTooManyRequests: "`temporarily_unavailable`", http.StatusServiceUnavailable: "`temporarily_unavailable`",
		http.StatusRequestTimeout: "`invalid_request`", http.StatusRequestEntityTooLarge: "`invalid_request`",
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	}
	(&Operation{}).describe(op.Responses, problem.Internal, schemaOfProblems(api))
	huma.Register(api, op, o.token)
	// It is told afterwards, since huma would read it.
	api.OpenAPI().Paths[tokenPath].Post.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{formType: {Schema: formSchema()}},
	}
}

// formSchema describes the form.
func formSchema() *huma.Schema {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"grant_type"}, Properties: map[string]*huma.Schema{
		"grant_type":    {Type: huma.TypeString, Enum: []any{clientCredentials}},
		"scope":         text("Scopes of the key, divided by spaces; none: all of them."),
		"client_id":     text("The key's id, where HTTP Basic does not say it."),
		"client_secret": text("The key's text."),
	}}
}

const clientCredentials = "client_credentials"

type formTaken struct{}

// takeForm gives the handler the request, whose source and field Authorization it has
// to know, with bounds on its body: what huma finds wrong with one is told in another
// form than this endpoint's.
func (a *API) takeForm(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	_ = ctx.SetReadDeadline(time.Now().Add(a.cfg.Read)) // the server has a bound of its own
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	next(huma.WithValue(ctx, formTaken{}, r))
}

// readForm reads the form: each parameter stands there once (RFC 6749 §3.2).
func readForm(r *http.Request) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != formType {
		return nil, badForm("expected a body of " + formType)
	}
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &large):
		return nil, &OAuthError{status: http.StatusRequestEntityTooLarge, Name: "invalid_request", Description: "expected a small form"}
	case errors.As(err, &slow) && slow.Timeout():
		return nil, &OAuthError{status: http.StatusRequestTimeout, Name: "invalid_request", Description: "expected a form at once"}
	case err != nil:
		return nil, badForm("expected a whole form")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badForm("expected a form")
	}
	for _, name := range []string{"grant_type", "scope", "client_id", "client_secret"} {
		if len(form[name]) > 1 {
			return nil, badForm("expected each parameter once")
		}
	}
	return form, nil
}

func (o *OAuth) token(ctx context.Context, _ *struct{}) (*TokenAnswer, error) {
	r, is := ctx.Value(formTaken{}).(*http.Request)
	if !is {
		return nil, problem.New(problem.Internal)
	}
	form, err := readForm(r)
	if err != nil {
		return nil, err
	}
	id, secret, fault := credentials(r, form)
	if fault != nil {
		return nil, fault
	}
	switch form.Get("grant_type") {
	case clientCredentials:
	case "":
		return nil, badForm("expected grant_type")
	default:
		return nil, &OAuthError{status: http.StatusBadRequest, Name: "unsupported_grant_type", Description: "expected " + clientCredentials}
	}
	return o.issue(r.RemoteAddr, id, secret, form.Get("scope"))
}

func (o *OAuth) issue(source, id, secret, asked string) (*TokenAnswer, error) {
	who, err := o.Desk.Client(source, id, secret)
	if err == nil {
		err = o.Admit(*who)
	}
	if err != nil {
		return nil, oauthOf(err)
	}
	var scopes []auth.Scope
	for name := range strings.FieldsSeq(asked) {
		if !slices.Contains(scopes, auth.Scope(name)) {
			scopes = append(scopes, auth.Scope(name))
		}
	}
	token, err := o.Desk.Issue(who, scopes)
	if errors.Is(err, auth.ErrScope) {
		return nil, &OAuthError{status: http.StatusBadRequest, Name: "invalid_scope", Description: "expected scopes that the key has"}
	}
	if err != nil {
		return nil, oauthOf(err)
	}
	names := make([]string, len(token.Scopes))
	for i, scope := range token.Scopes {
		names[i] = string(scope)
	}
	return &TokenAnswer{Pragma: "no-cache", Body: AccessToken{
		Token: token.Text, Type: "Bearer", Life: int64(token.Life / time.Second), Scopes: strings.Join(names, " "),
	}}, nil
}

// credentials are those of a client, by the field Authorization or in the form, and
// never both (RFC 6749 §2.3.1).
func credentials(r *http.Request, form url.Values) (id, secret string, fault error) {
	id, secret = form.Get("client_id"), form.Get("client_secret")
	switch fields := r.Header.Values("Authorization"); {
	case len(fields) == 0:
		return id, secret, nil
	case len(fields) > 1 || secret != "":
		return "", "", badForm("expected the client's credentials once")
	}
	named, secret := basic(r)
	if id != "" && id != named {
		return "", "", badForm("expected one client_id")
	}
	return named, secret, nil
}

// basic are the credentials of HTTP Basic, encoded as in a form; what cannot be read is
// nobody's, which counts as a failure.
func basic(r *http.Request) (id, secret string) {
	user, password, _ := r.BasicAuth()
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if errors.Join(err1, err2) != nil {
		return "", ""
	}
	return id, secret
}
