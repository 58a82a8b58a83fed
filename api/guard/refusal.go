package guard

import "time"

// Codes of the problems that the guard answers with.
const (
	CodeInvalid       = "validation-failed"
	CodeInvalidNumber = "invalid-number"
	CodeNumberIsMask  = "number-is-mask"
	CodeEmergency     = "emergency-number"
	CodePremium       = "premium-destination"
	CodeRegion        = "region-not-enabled"
	CodeConsent       = "consent-missing"
	CodeQuota         = "quota-exceeded"
	CodeRateLimited   = "rate-limited"
	CodeStepUp        = "step-up-required"
	CodeUnauthorized  = "unauthorized"
)

// Refusal says why a request is not done. It never holds a value that was
// submitted.
type Refusal struct {
	Code       string        // of the problem
	Field      string        // of the request; empty: none in particular
	Reason     string        // a word for programs, such as "satellite"
	Detail     string        // a sentence for people
	NextStep   string        // what would help
	RetryAfter time.Duration // 0: asking again does not help by itself
	Points     []Point       // of the score, where that is why
}

// Error is the sentence.
func (r *Refusal) Error() string {
	if r.Field != "" {
		return r.Field + ": " + r.Detail
	}
	return r.Detail
}

// Who asks.
type Who struct {
	Key    string // id of the key; empty: none
	Tenant string // empty: the operator
}
