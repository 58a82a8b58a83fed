//go:build long

package sessions

const (
	killRounds    = 200
	propertySteps = 100_000
)
