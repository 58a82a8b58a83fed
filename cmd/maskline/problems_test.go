package main

import (
	"errors"
	"fmt"
	"testing"

	"maskline/api"
	"maskline/numberdb"
)

// A change that lost against other edges again and again may be tried once more.
func TestAConflictIsToBeTriedAgain(t *testing.T) {
	var problem *api.Problem
	err := problemOf(fmt.Errorf("committing: %w", &numberdb.Conflict{Sessions: []numberdb.ID{1}}))
	if !errors.As(err, &problem) || problem.Code != api.CodeUnavailable {
		t.Errorf("it says %v", err)
	}
}
