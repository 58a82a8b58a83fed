//go:build !long

package storetest

const killRounds = 6
