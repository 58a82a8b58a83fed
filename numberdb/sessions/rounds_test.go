//go:build !long

package sessions

const (
	killRounds    = 20
	propertySteps = 1500
)
