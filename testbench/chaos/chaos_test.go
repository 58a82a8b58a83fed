//go:build peers

package main

import (
	"os"
	"testing"
	"time"
)

// The short form of make chaos.
func TestChaos(t *testing.T) {
	faults, err := chaos(t.Context(), config{duration: 40 * time.Second, kill: 8 * time.Second, trouble: time.Second, rate: 1000}, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}
