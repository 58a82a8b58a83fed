// Package clientgen writes the parts of the client libraries that follow from the
// OpenAPI document of an edge: a type for each schema, a method for each
// operation. A test of the edge compares what is written with what is in the
// tree, and writes it with -update, so the clients know every operation and field
// or the build is red.
//
// It reads what this edge's document uses of OpenAPI 3.1, and refuses the rest.
//
// Start reading at document.go, then golang.go.
package clientgen
