package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"maskline/api"
	"maskline/api/problem"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
	"maskline/numberdb/sessions"
)

// storeDown is an error of the store's own reading.
type storeDown struct{ error }

func (e storeDown) Unwrap() error { return e.error }

// restProblem is what an error means to a client of the API. Nothing of what the
// client sent is in it.
func restProblem(err error) error {
	var done *problem.Error
	var fault *wrong
	var exhausted *allocator.Exhausted
	var conflict *numberdb.Conflict
	var leased *leasedError
	var faults *numberdb.Faults
	var local *api.Problem
	switch {
	case errors.As(err, &done):
		return done
	case errors.As(err, &fault) && fault.code == problem.CapabilityUnavailable:
		return &problem.Error{Code: fault.code, Detail: cmp.Or(fault.web, fault.says)}
	case errors.As(err, &fault):
		return &problem.Error{Code: fault.code, Fields: []problem.Field{{Field: under("body", fault.field), Problem: cmp.Or(fault.web, fault.says)}}}
	case errors.As(err, &exhausted):
		return exhaustedProblem(exhausted)
	case errors.As(err, &faults):
		return err // its caller tells each
	case errors.As(err, &leased):
		return &problem.Error{Code: problem.CapabilityUnavailable, Detail: "A number is leased; end its lease first."}
	case errors.As(err, &local):
		return localOnWeb(local)
	case errors.As(err, &conflict):
		return &problem.Error{
			Code: problem.BindingConflict, RetryAfter: time.Second, Detail: "Others were faster, time after time; nothing was done.",
		}
	}
	for _, known := range []struct {
		is   error
		says *problem.Error
	}{
		{allocator.ErrPool, problem.Invalid("body.pool", "expected a pool that there is for this tenant")},
		{allocator.ErrMask, problem.New(problem.NumberIsMask)},
		{allocator.ErrSelf, problem.Invalid("body.participants", "expected each number once")},
		{numberdb.ErrSamePerson, problem.Invalid("body.participants", "expected each number once")},
		{
			allocator.ErrParticipants,
			problem.Invalid("body.participants", "expected two with numbers for per_side and shared, two or more for group, one for public and lease; only a group can be joined"),
		},
		{numberdb.ErrParticipants, problem.Invalid("body.participants", "expected as many as the shape has, at most 100")},
		{numberdb.ErrParticipant, problem.Invalid("body.participants", "expected each with a number or an endpoint, and none with a mask")},
		{numberdb.ErrShortParty, problem.Invalid("body.participants", "expected no short code")},
		{numberdb.ErrLabel, problem.Invalid("body.label", "expected at most 64 printable characters")},
		{numberdb.ErrMaxUses, problem.Invalid("body.max_uses", "expected fewer")},
		{numberdb.ErrIdleTTL, problem.Invalid("body.idle_ttl", "expected fewer seconds")},
		{numberdb.ErrSMPPVoice, problem.Invalid("body.services", "expected sms: an smpp endpoint takes no calls")},
		{sessions.ErrTTL, problem.Invalid("body.ttl", "expected seconds that the pool allows")},
		{sessions.ErrChanged, problem.New(problem.PreconditionFailed)},
		{sessions.ErrNoSession, problem.New(problem.NotFound)},
		{allocator.ErrOver, problem.New(problem.SessionClosed)},
		{numberdb.ErrNotYetRouted, unsure("It is stored, but this edge does not route it yet; send the same request again.")},
		{numberdb.ErrOutcomeUnknown, unsure("The store did not say whether it was done; send the same request again.")},
		{numberdb.ErrClosed, unsure("The edge is stopping.")},
		{sessions.ErrNotReady, unsure("The edge has not read its store yet.")},
		{context.DeadlineExceeded, unsure("")},
		{context.Canceled, unsure("")},
	} {
		if errors.Is(err, known.is) {
			return known.says
		}
	}
	var down storeDown
	if errors.As(err, &down) || sessions.IsStoreFault(err) {
		return problem.Unavailable()
	}
	return err
}

// localOnWeb is a problem of the control socket, whose text may repeat what came.
func localOnWeb(p *api.Problem) error {
	switch p.Code {
	case api.CodeNotFound:
		return problem.New(problem.NotFound)
	case api.CodeUnavailable:
		return problem.Unavailable()
	default:
		return problem.New(problem.ValidationFailed)
	}
}

func under(body, field string) string {
	if field == "" {
		return body
	}
	return body + "." + field
}

func unsure(detail string) *problem.Error {
	p := problem.Unavailable()
	p.Detail = detail
	return p
}

func exhaustedProblem(x *allocator.Exhausted) *problem.Error {
	p := &problem.Error{
		Code: problem.PoolExhausted, Reason: x.Reason.String(), SuggestedPools: x.Suggested,
		Fields: []problem.Field{{Field: fmt.Sprintf("body.participants[%d]", x.Side), Problem: "the pool has no mask for this one"}},
	}
	switch x.Reason {
	case allocator.Country:
		p.Detail = "No mask of the pool is of the country or prefix that was asked for."
	case allocator.State:
		p.Detail = "All masks of the pool are held, resting, watchlisted, draining or retired."
	case allocator.Capability:
		p.Detail = "No mask of the pool that is left has the services that were asked for."
	case allocator.Ceiling:
		p.Detail = "Each mask of the pool has as many parties as it may."
	case allocator.Degree:
		p.Detail = "This person has each mask of the pool already, or had it too recently."
	default:
		p.Detail = "The pool has no masks."
	}
	return p
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
