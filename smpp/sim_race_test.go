//go:build race

package smpp

// simSeeds are played by the usual test. A simulation has one goroutine, so the
// race detector sees nothing in it, at fourteen times the price.
const simSeeds = 100
