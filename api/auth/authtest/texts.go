// Package authtest lets tests in by fixed texts instead of keys.
package authtest

import (
	"net/http"

	"maskline/api/auth"
	"maskline/api/problem"
)

// Texts are identities by the whole field Authorization, such as "Bearer shop".
type Texts map[string]*auth.Identity

// Authenticate tells whose the text is.
func (t Texts) Authenticate(r *http.Request) (*auth.Identity, error) {
	if who := t[r.Header.Get("Authorization")]; who != nil {
		return who, nil
	}
	return nil, problem.New(problem.Unauthorized)
}
