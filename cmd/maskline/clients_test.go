package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"maskline/testbench/clientgen"
)

// The client libraries have a method for each operation and a type for each schema
// of this edge's document. -update writes them.
func TestClientsAreOfTheDocument(t *testing.T) {
	r := startEdge(t, newCLI(t))
	document, err := clientgen.Read([]byte(r.get("/v1/openapi.json").body))
	if err != nil {
		t.Fatal(err)
	}
	for file, written := range map[string]func() ([]byte, error){
		"client/types_gen.go": document.GoTypes, "client/operations_gen.go": document.GoOperations,
		"clients/typescript/operations.js": document.JavaScriptOperations, "clients/typescript/api.d.ts": document.TypeScriptTypes,
	} {
		want, err := written()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		path := filepath.Join("..", "..", file)
		if *update {
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not of the document; -update writes it:\n%s", file, diff)
		}
	}
}
