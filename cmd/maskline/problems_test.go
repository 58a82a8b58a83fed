package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"maskline/api"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
)

// What is known of a wish that met its deadline decides what is said of it.
func TestLateAnswersSayWhatIsKnown(t *testing.T) {
	late := fmt.Errorf("committing: %w", context.DeadlineExceeded)
	for want, err := range map[string]error{
		"has not read its masks": fmt.Errorf("%w: %w", sessions.ErrNotReady, late),
		"a list will show":       errors.Join(numberdb.ErrOutcomeUnknown, late),
		"nothing of it was done": late,
	} {
		var problem *api.Problem
		if got := problemOf(err); !errors.As(got, &problem) || problem.Code != api.CodeUnavailable || !strings.Contains(problem.Problem, want) {
			t.Errorf("%v is told as %v", err, got)
		}
	}
	if problemOf(nil) != nil {
		t.Error("no error is told as one")
	}
}

// A change that lost against other edges again and again may be tried once more.
func TestAConflictIsToBeTriedAgain(t *testing.T) {
	var problem *api.Problem
	err := problemOf(fmt.Errorf("committing: %w", &numberdb.Conflict{Sessions: []numberdb.ID{1}}))
	if !errors.As(err, &problem) || problem.Code != api.CodeUnavailable {
		t.Errorf("it says %v", err)
	}
}
