//go:build race

package storetest

// SQLite is compiled from Go: under the race detector it is 20 times slower.
const manyRowsCount = 10_000
