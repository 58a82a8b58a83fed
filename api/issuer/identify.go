package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"maskline/api/auth"
	"maskline/api/problem"
)

const (
	mostToken     = 8 << 10 // characters
	mostClaim     = 256
	subjectPrefix = "sub_"
)

// Identify tells whose token it is. Its error is auth.ErrNobody for what is a guess, or
// a *problem.Error.
func (s *Issuers) Identify(ctx context.Context, text string) (*auth.Identity, error) {
	i := s.issuerOf(text)
	if i == nil {
		return nil, auth.ErrNobody
	}
	signed, err := jose.ParseSigned(text, algorithms())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, auth.ErrNobody
	}
	switch err := i.keys.have(ctx, signed.Signatures[0].Header.KeyID); {
	case errors.Is(err, errNotYet):
		return nil, &problem.Error{Code: problem.StorageUnavailable, Detail: "The keys of the identity provider are not known yet.", RetryAfter: againAfter}
	case err != nil:
		return nil, auth.ErrNobody
	}
	token, err := i.verifier.Verify(ctx, text)
	var over *oidc.TokenExpiredError
	switch {
	case errors.As(err, &over):
		return nil, &problem.Error{Code: problem.Unauthorized, Detail: "The token is over."}
	case err != nil || token.Subject == "":
		return nil, auth.ErrNobody
	}
	return s.identityOf(i, token)
}

// issuerOf is the one that a token says it is of; nil: none of ours.
func (s *Issuers) issuerOf(text string) *issuer {
	if len(text) > mostToken {
		return nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var said struct {
		Issuer string `json:"iss"`
	}
	if err != nil || json.Unmarshal(payload, &said) != nil {
		return nil
	}
	at := slices.IndexFunc(s.all, func(i *issuer) bool { return i.URL == said.Issuer })
	if at < 0 {
		return nil
	}
	return s.all[at]
}

// identityOf maps claims. What is missing or unknown is never taken for something.
func (s *Issuers) identityOf(i *issuer, token *oidc.IDToken) (*auth.Identity, error) {
	claims := map[string]any{}
	if token.Claims(&claims) != nil {
		return nil, auth.ErrNobody
	}
	tenants, roles := textsOf(claims, i.Tenant), textsOf(claims, i.Role)
	who := &auth.Identity{Key: subjectPrefix + s.world.Pseudonym([]byte(i.URL+"\x00"+token.Subject))}
	switch {
	case len(tenants) != 1 || tenants[0] == "":
		return nil, unmapped("The token names no tenant, or several.")
	case i.Operator != "" && tenants[0] == i.Operator: // the empty tenant
	case s.world.HasTenant(tenants[0]):
		who.Tenant = tenants[0]
	default:
		return nil, unmapped("The token names no tenant that there is.")
	}
	for _, role := range auth.Roles() { // the first is the one that may most
		if slices.Contains(roles, string(role)) {
			who.Role = role
			break
		}
	}
	if who.Role == "" {
		return nil, unmapped("The token names no role.")
	}
	who.Scopes = scopesOf(who.Role, append(wordsOf(claims, "scope"), wordsOf(claims, "scp")...))
	return who, nil
}

func unmapped(detail string) error {
	return &problem.Error{Code: problem.Unauthorized, Detail: detail}
}

// scopesOf are those of ours that a token names, as far as the role has them; one that
// names none of ours has the usual ones.
func scopesOf(role auth.Role, named []string) []auth.Scope {
	var scopes []auth.Scope
	ours, all := false, auth.Scopes()
	for _, name := range named {
		ours = ours || slices.Contains(all, auth.Scope(name))
		if slices.Contains(role.Scopes(), auth.Scope(name)) && !slices.Contains(scopes, auth.Scope(name)) {
			scopes = append(scopes, auth.Scope(name))
		}
	}
	if !ours {
		return role.Usual()
	}
	return scopes
}

// textsOf are the texts of a claim: one, or a list.
func textsOf(claims map[string]any, name string) []string {
	switch value := claimOf(claims, name).(type) {
	case string:
		return bound([]string{value})
	case []any:
		var texts []string
		for _, one := range value {
			if text, is := one.(string); is {
				texts = append(texts, text)
			}
		}
		return bound(texts)
	default:
		return nil
	}
}

// claimOf finds a claim. Where none has the whole name, dots lead into objects, as in
// realm_access.roles.
func claimOf(claims map[string]any, name string) any {
	if value, found := claims[name]; found {
		return value
	}
	for {
		first, inner, divided := strings.Cut(name, ".")
		if !divided {
			return claims[first]
		}
		object, is := claims[first].(map[string]any)
		if !is {
			return nil
		}
		claims, name = object, inner
	}
}

func bound(texts []string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return len(text) > mostClaim })
}

// wordsOf are those of a claim with words divided by spaces, or a list.
func wordsOf(claims map[string]any, name string) []string {
	if text, is := claims[name].(string); is {
		return strings.Fields(text)
	}
	return textsOf(claims, name)
}
