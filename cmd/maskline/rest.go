package main

import (
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/rest"
)

// newREST makes the API under /v1 and its keys.
func (e *edge) newREST() (err error) {
	limits := &e.cfg.API.Limits
	e.keys, err = auth.NewKeys(auth.Config{
		Failures: limits.AuthFailures, First: func() (string, error) { return firstKey(string(e.cfg.DataDir)) },
	}, e.store, time.Now, e.log.Named("api"), e.metrics)
	if err != nil {
		return fmt.Errorf("making the API: %w", err)
	}
	api, err := rest.New(rest.Config{
		Version: version, Body: int64(limits.Body), Read: limits.Read, Answer: limits.Read, Draining: e.draining.Load,
	}, e.keys, time.Now, e.log.Named("api"), e.metrics)
	if err != nil {
		return fmt.Errorf("making the API: %w", err)
	}
	sessions := rest.Sessions{Desk: restSessions{e.desk, e.store}, Now: time.Now}
	for _, resource := range []interface{ Register(api huma.API) }{
		&sessions,
		&rest.Leases{Sessions: sessions},
		&rest.Keys{Desk: e.keys, Tenant: e.bindings.hasTenant, Now: time.Now},
		e.told.events, e.told.endpoints,
	} {
		resource.Register(api)
	}
	e.registerOutbound(api)
	e.v1 = api.Handler()
	return nil
}
