//go:build long

package storetest

const killRounds = 200
