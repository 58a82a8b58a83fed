//go:build long

package media

const anythings = 10_000_000
