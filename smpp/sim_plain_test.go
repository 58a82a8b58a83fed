//go:build !race

package smpp

// simSeeds are played by the usual test.
const simSeeds = 500
