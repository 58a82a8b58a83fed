package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"maskline/api"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
	"maskline/numberdb/sessions"
)

// problemOf says what was wrong with a request about sessions, pools or masks, and
// what to do.
func problemOf(err error) error {
	var exhausted *allocator.Exhausted
	if errors.As(err, &exhausted) {
		return exhaustion(exhausted, remedy(exhausted.Reason))
	}
	var conflict *numberdb.Conflict
	if errors.As(err, &conflict) {
		return &api.Problem{Problem: "other edges were faster time after time; nothing was done, try again", Code: api.CodeUnavailable}
	}
	for _, known := range []struct {
		is   error
		code string
		says string
	}{
		{allocator.ErrPool, api.CodeNotFound, "pool: there is no such pool, or it is another tenant's; pools list shows all"},
		{allocator.ErrMask, api.CodeInvalid, "participants: one of the numbers is a mask; name the person's own number"},
		{allocator.ErrSelf, api.CodeInvalid, "participants: the same number stands there twice; each person takes part once"},
		{numberdb.ErrSamePerson, api.CodeInvalid, "participants: the same number stands there twice; each person takes part once"},
		{
			allocator.ErrParticipants, api.CodeInvalid,
			"participants: expected two with numbers for per_side and shared, two or more for group, one for public and lease; only a group can be joined",
		},
		{sessions.ErrNoSession, api.CodeNotFound, "there is no such session, or it has ended; sessions list shows all"},
		{allocator.ErrOver, api.CodeNotFound, "the session would end before now"},
		{sessions.ErrNotReady, api.CodeUnavailable, "the edge has not read its masks and bindings from the store yet; try again in a moment"},
		{numberdb.ErrOutcomeUnknown, api.CodeUnavailable, "the store did not answer in time; a list will show whether it was done"},
		{numberdb.ErrClosed, api.CodeUnavailable, "the edge is stopping"},
		{context.DeadlineExceeded, api.CodeUnavailable, "the store was too slow, nothing of it was done; try again"},
	} {
		if errors.Is(err, known.is) {
			return &api.Problem{Problem: known.says, Code: known.code}
		}
	}
	return err
}

func exhaustion(x *allocator.Exhausted, remedy string) *api.Problem {
	text := fmt.Sprintf("pool %q has no mask for participant %d (%v): %s", x.Pool, x.Side+1, x.Reason, remedy)
	kept := []string{}
	for reason, count := range x.Masks {
		if count > 0 {
			kept = append(kept, fmt.Sprintf("%d by %v", count, allocator.Reason(reason)))
		}
	}
	if len(kept) > 1 {
		text += "; masks kept out: " + strings.Join(kept, ", ")
	}
	if len(x.Suggested) > 0 {
		text += "; these pools would do now: " + strings.Join(x.Suggested, ", ")
	}
	return &api.Problem{Problem: text, Code: api.CodePoolExhausted, Reason: x.Reason.String(), Pools: x.Suggested}
}

// remedy is what relieves a pool.
func remedy(r allocator.Reason) string {
	switch r {
	case allocator.Country:
		return "none is of the country that was asked for; import some with numbers import, or ask for another"
	case allocator.State:
		return "all are held, resting, watchlisted, draining or retired; numbers release frees some, numbers import adds some"
	case allocator.Capability:
		return "none of those that are left has the services that were asked for; import some that have"
	case allocator.Ceiling:
		return "each has as many parties as it may; import more masks, or raise the ceiling with pools set --parties"
	case allocator.Degree:
		return "this person has each of them already, or had it too recently; import more masks, end sessions, or shorten the rest with pools set --quarantine"
	default:
		return "import some with numbers import"
	}
}

// remedyForAll is what relieves a pool of masks that are to lead everybody to one
// person.
func remedyForAll(r allocator.Reason) string {
	if r == allocator.Ceiling {
		return "a mask for everybody is one that nobody has, or had within quarantine; import more masks, best into a pool of their own"
	}
	return remedy(r)
}

// exitCodeOf tells scripts an exhausted pool and what does not exist from other
// failures.
func exitCodeOf(err error) int {
	const (
		failed    = 1
		exhausted = 3
		notFound  = 4
	)
	var problem *api.Problem
	if errors.As(err, &problem) {
		switch problem.Code {
		case api.CodePoolExhausted:
			return exhausted
		case api.CodeNotFound:
			return notFound
		}
	}
	return failed
}
