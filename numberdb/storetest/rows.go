//go:build !race

package storetest

const manyRowsCount = 100_000
