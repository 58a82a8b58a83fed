// Package process runs the edge's binary as an operator would: a configuration
// in a file, a process, signals, what it logs and what it answers over HTTP. It
// knows nothing of the edge's packages, so what it shows is what a user gets.
//
// A process dies with the test that started it. Its log goes to a file in its
// folder, all lives of it one after the other.
//
// Start reading at edge.go.
package process
