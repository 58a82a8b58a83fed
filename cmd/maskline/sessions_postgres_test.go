//go:build peers

package main

import (
	"testing"

	"maskline/testbench/pgtest"
)

func TestSessionsAtTheCommandLineOnPostgres(t *testing.T) {
	server := pgtest.ForTest(t, "masks")
	c := newCLI(t)
	c.write("edge.yaml", onPostgres(testConfig, server))
	c.stock() // without an edge
	if out := c.at("numbers", "export"); out != fourMasks {
		t.Fatalf("export:\n%s", out)
	}
	startEdge(t, c)
	sessionScene(t, c)
}
