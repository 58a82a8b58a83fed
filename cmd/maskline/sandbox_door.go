package main

import (
	"context"
	"net/http"

	"maskline/api/auth"
	"maskline/api/problem"
)

// atTheDoor lets requests with test keys into the sandbox of their tenant, and all
// others to the live API. A key is asked for once.
type atTheDoor struct {
	keys  *auth.Keys
	boxes *sandboxes
	live  http.Handler
}

type askedKey struct{}

// asked is what became of a request's key.
type asked struct {
	who *auth.Identity
	err error
}

// ServeHTTP serves it where it belongs.
func (d *atTheDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !auth.IsTest(r.Header.Values("Authorization")) {
		d.live.ServeHTTP(w, r)
		return
	}
	who, err := d.keys.Authenticate(r)
	if err == nil && who.Test && d.boxes.enabled() {
		box, done, failed := d.boxes.enter(r.Context(), who.Tenant)
		if failed == nil {
			defer done()
			ctx, cancel := context.WithCancel(with(r.Context(), asked{who: who}))
			defer cancel()
			defer context.AfterFunc(box.ended, cancel)() // streams end with it
			box.edge.v1.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		err = failed
	}
	d.live.ServeHTTP(w, r.WithContext(with(r.Context(), asked{who, err})))
}

func with(ctx context.Context, a asked) context.Context {
	return context.WithValue(ctx, askedKey{}, a)
}

// door is rest.Authenticator behind it.
type door struct{ keys *auth.Keys }

// Authenticate tells what was found out, or asks.
func (d door) Authenticate(r *http.Request) (*auth.Identity, error) {
	switch a, known := r.Context().Value(askedKey{}).(asked); {
	case !known:
		return d.keys.Authenticate(r)
	case a.err != nil:
		return nil, a.err
	case a.who == nil:
		return nil, problem.New(problem.Unauthorized)
	default:
		return a.who, nil
	}
}
