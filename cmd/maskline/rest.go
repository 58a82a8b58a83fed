package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/issuer"
	"maskline/api/rest"
	"maskline/api/usage"
	"maskline/seal"
)

// newREST makes the API under /v1 and its keys.
func (e *edge) newREST() (err error) {
	limits := &e.cfg.API.Limits
	if e.keys, err = e.apiKeys(); err != nil {
		return fmt.Errorf("making the API: %w", err)
	}
	v1, err := rest.New(rest.Config{
		Version: version, Body: int64(limits.Body), Read: limits.Read, Answer: limits.Read, Draining: e.isDraining, Sandbox: e.inside != nil,
	}, door{e.keys}, time.Now, e.log.Named("api"), e.metrics)
	if err != nil {
		return fmt.Errorf("making the API: %w", err)
	}
	sessions := rest.Sessions{Desk: e.protection.desk(restSessions{e.desk, e.store, e.now}), Now: e.now}
	e.protection.register(v1)
	e.protection.alarms.suspend, e.protection.alarms.tell = e.suspendKey, e.told.abuse
	for _, resource := range []interface{ Register(api huma.API) }{
		&sessions,
		&rest.Leases{Sessions: sessions},
		&rest.Numbers{Desk: restNumbers{e.inventory()}},
		&rest.Pools{Desk: restPools{poolDesk{e.inventory()}}},
		&rest.Carriers{Report: func() api.Report { return e.health().Report() }},
		&rest.Restrictions{List: e.restrict, Tenant: e.bindings.hasTenant, Now: e.now},
		&rest.Keys{Desk: e.keys, Tenant: e.bindings.hasTenant, Resume: e.resumeKey, Now: time.Now},
		&rest.OAuth{Desk: e.keys, Admit: e.protection.limits.Admit},
		e.told.events, e.told.endpoints, e.messages, e.verify, e.calls, &usage.Resource{Meter: e.meter}, e.sandboxResource(),
	} {
		resource.Register(v1)
	}
	if e.v1 = v1.Handler(); e.inside == nil {
		e.v1 = &atTheDoor{e.keys, e.boxes, e.v1}
	}
	return nil
}

// apiKeys are the keys of the edge: those of a sandbox are its live edge's.
func (e *edge) apiKeys() (*auth.Keys, error) {
	if e.inside != nil {
		return e.inside.live.keys, nil
	}
	if err := errors.Join(e.newIssuers(), e.newTLS()); err != nil {
		return nil, err
	}
	e.certificates.Set(clientsConfig(e.cfg))
	return auth.NewKeys(auth.Config{
		Others: e.issuers, Certificates: &e.certificates,
		Failures: e.cfg.API.Limits.AuthFailures, First: func() (string, error) { return firstKey(string(e.cfg.DataDir)) }, Codes: e.store.TokenMAC,
	}, auditedKeys{e.store, e.changes}, time.Now, e.log.Named("api"), e.metrics)
}

// newTLS reads what api.listen shows its clients.
func (e *edge) newTLS() error {
	secured, err := apiTLS(e.cfg)
	if err != nil {
		return err
	}
	if e.secured, err = api.NewTLS(e.metrics); err == nil {
		e.secured.Set(secured)
	}
	return err
}

// newIssuers makes the identity providers of the configuration.
func (e *edge) newIssuers() error {
	key, err := seal.Load(keyFile(e.cfg))
	if err != nil {
		return err
	}
	world := issuer.World{HasTenant: e.bindings.hasTenant, Pseudonym: key.Pseudonyms("subjects").Of, Clock: time.Now}
	e.issuers, err = issuer.New(issuersConfig(e.cfg), world, e.log.Named("api"), e.metrics)
	return err
}
