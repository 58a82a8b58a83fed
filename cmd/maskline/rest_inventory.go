package main

import (
	"context"
	"errors"
	"io"

	"maskline/api"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

// restNumbers is the masks of an edge for the API under /v1.
type restNumbers struct{ *inventory }

// Masks gives those that the query asks for.
func (d restNumbers) Masks(ctx context.Context, q api.NumberQuery) ([]numberdb.Mask, error) {
	if err := d.Ready(ctx); err != nil {
		return nil, inventoryProblem(err)
	}
	masks, err := d.selected(q)
	return masks, inventoryProblem(err)
}

// History is that of a mask.
func (d restNumbers) History(ctx context.Context, mask e164.Number) ([]numberdb.MaskEvent, error) {
	history, err := d.inventory.History(ctx, mask, 0)
	if err != nil {
		return nil, restProblem(storeDown{err})
	}
	return history, nil
}

// Import adds or changes masks in the name of a key.
func (d restNumbers) Import(ctx context.Context, file io.Reader, pool, actor string) (int, error) {
	written, err := d.by(actor).Import(ctx, file, pool)
	var missing *api.Problem
	if errors.As(err, &missing) && missing.Code == api.CodeNotFound {
		return 0, problem.Invalid("body.pool", "expected a pool that there is")
	}
	return written, inventoryProblem(err)
}

// SetState changes states in the name of a key.
func (d restNumbers) SetState(ctx context.Context, s api.NumberStates, actor string) (int, error) {
	changed, err := d.by(actor).SetState(ctx, s)
	return changed, inventoryProblem(err)
}

func (d restNumbers) by(actor string) *inventory {
	own := *d.inventory
	own.actor = actor
	return &own
}

// restPools is the pools of an edge for the API under /v1.
type restPools struct{ desk poolDesk }

// Pools gives all.
func (d restPools) Pools(ctx context.Context) ([]api.Pool, error) {
	all, err := d.desk.Pools(ctx)
	return all, inventoryProblem(err)
}

// SetPool makes a pool, or changes one.
func (d restPools) SetPool(ctx context.Context, c api.PoolChange) (api.Pool, error) {
	pool, err := d.desk.SetPool(ctx, c)
	return pool, inventoryProblem(err)
}

// RemovePool deletes a pool without masks.
func (d restPools) RemovePool(ctx context.Context, name string) error {
	return inventoryProblem(d.desk.RemovePool(ctx, name))
}

// inventoryProblem is what an error about masks or pools means to a client. A text
// that is not known here may repeat what it sent.
func inventoryProblem(err error) error {
	if err == nil {
		return nil
	}
	known := restProblem(err)
	var done *problem.Error
	var faults *numberdb.Faults
	switch {
	case errors.As(known, &done), errors.As(known, &faults):
		return known
	case errors.Is(err, numberdb.ErrWhy):
		return problem.Invalid("body.why", "expected at most 200 printable characters without numbers")
	default:
		return err
	}
}
