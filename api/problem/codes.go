package problem

import (
	"net/http"
	"slices"
)

// Code names a kind of problem for good.
type Code string

// The codes.
const (
	ValidationFailed      Code = "validation-failed"
	InvalidNumber         Code = "invalid-number"
	NumberIsMask          Code = "number-is-mask"
	EmergencyNumber       Code = "emergency-number"
	PremiumDestination    Code = "premium-destination"
	RegionNotEnabled      Code = "region-not-enabled"
	CapabilityUnavailable Code = "capability-unavailable"
	PoolExhausted         Code = "pool-exhausted"
	QuotaExceeded         Code = "quota-exceeded"
	RateLimited           Code = "rate-limited"
	StepUpRequired        Code = "step-up-required"
	OptedOut              Code = "opted-out"
	ConsentMissing        Code = "consent-missing"
	LeaseExpired          Code = "lease-expired"
	SessionClosed         Code = "session-closed"
	BindingConflict       Code = "binding-conflict"
	CodeWrong             Code = "code-wrong"
	CodeExpired           Code = "code-expired"
	AttemptsExhausted     Code = "attempts-exhausted"
	IdempotencyConflict   Code = "idempotency-conflict"
	IdempotencyMismatch   Code = "idempotency-mismatch"
	IdempotencyMissing    Code = "idempotency-key-missing"
	Unauthorized          Code = "unauthorized"
	InsufficientScope     Code = "insufficient-scope"
	NotFound              Code = "not-found"
	CarrierUnavailable    Code = "carrier-unavailable"
	StorageUnavailable    Code = "storage-unavailable"
	Maintenance           Code = "maintenance"
	MalformedRequest      Code = "malformed-request"
	MethodNotAllowed      Code = "method-not-allowed"
	RequestTimeout        Code = "request-timeout"
	BodyTooLarge          Code = "body-too-large"
	UnsupportedMediaType  Code = "unsupported-media-type"
	PreconditionFailed    Code = "precondition-failed"
	PreconditionRequired  Code = "precondition-required"
	Internal              Code = "internal-error"
)

// About is what stands for a code in every problem of it.
type About struct {
	Code   Code   `json:"code" doc:"The code."`
	Status int    `json:"status" doc:"HTTP status."`
	Title  string `json:"title" doc:"What has happened, in a sentence."`
}

// table is the one mapping of codes.
func table() []About {
	return []About{
		{ValidationFailed, http.StatusUnprocessableEntity, "The request is not as this operation expects it."},
		{InvalidNumber, http.StatusUnprocessableEntity, "A number is not in the form of E.164: a plus and 7 to 15 digits."},
		{NumberIsMask, http.StatusUnprocessableEntity, "A number is a mask, and a mask cannot take part."},
		{EmergencyNumber, http.StatusUnprocessableEntity, "An emergency number cannot take part."},
		{PremiumDestination, http.StatusForbidden, "The destination is of a range that is not served."},
		{RegionNotEnabled, http.StatusUnprocessableEntity, "The region of a number is not enabled."},
		{CapabilityUnavailable, http.StatusConflict, "What was asked for cannot be done with this resource."},
		{PoolExhausted, http.StatusConflict, "The pool has no mask for a participant."},
		{QuotaExceeded, http.StatusTooManyRequests, "A quota is used up."},
		{RateLimited, http.StatusTooManyRequests, "There were too many requests."},
		{StepUpRequired, http.StatusForbidden, "A further step is needed before this is done."},
		{OptedOut, http.StatusConflict, "The party wants no messages."},
		{ConsentMissing, http.StatusForbidden, "The party has not consented."},
		{LeaseExpired, http.StatusGone, "The lease has ended."},
		{SessionClosed, http.StatusGone, "The session has ended."},
		{BindingConflict, http.StatusConflict, "A mask is bound to this party already."},
		{CodeWrong, http.StatusUnprocessableEntity, "The code is wrong."},
		{CodeExpired, http.StatusGone, "The code has expired."},
		{AttemptsExhausted, http.StatusTooManyRequests, "There are no attempts left."},
		{IdempotencyConflict, http.StatusConflict, "The request with this idempotency key is still under way."},
		{IdempotencyMismatch, http.StatusUnprocessableEntity, "The idempotency key was used for another request."},
		{IdempotencyMissing, http.StatusBadRequest, "The operation needs the field Idempotency-Key with 1 to 255 printable characters."},
		{Unauthorized, http.StatusUnauthorized, "The request has no valid key."},
		{InsufficientScope, http.StatusForbidden, "The key does not permit this operation."},
		{NotFound, http.StatusNotFound, "There is no such resource."},
		{CarrierUnavailable, http.StatusServiceUnavailable, "No carrier takes this now."},
		{StorageUnavailable, http.StatusServiceUnavailable, "The store does not answer now."},
		{Maintenance, http.StatusServiceUnavailable, "The edge takes no new work now."},
		{MalformedRequest, http.StatusBadRequest, "The request is not well-formed."},
		{MethodNotAllowed, http.StatusMethodNotAllowed, "The resource does not know this method."},
		{RequestTimeout, http.StatusRequestTimeout, "The request came too slowly."},
		{BodyTooLarge, http.StatusRequestEntityTooLarge, "The body is too large."},
		{UnsupportedMediaType, http.StatusUnsupportedMediaType, "The body is to be application/json."},
		{PreconditionFailed, http.StatusPreconditionFailed, "The resource has changed since it was read."},
		{PreconditionRequired, http.StatusPreconditionRequired, "The operation needs the field If-Match."},
		{Internal, http.StatusInternalServerError, "Something went wrong here."},
	}
}

// All is every code.
func All() []About { return table() }

// Of tells of one code; an unknown one is an internal error.
func Of(code Code) About {
	all := table()
	at := slices.IndexFunc(all, func(a About) bool { return a.Code == code })
	if at < 0 {
		return all[len(all)-1]
	}
	return all[at]
}

// OfStatus is the code for a status that no operation chose itself.
func OfStatus(status int) Code {
	switch status {
	case http.StatusBadRequest:
		return MalformedRequest
	case http.StatusUnauthorized:
		return Unauthorized
	case http.StatusForbidden:
		return InsufficientScope
	case http.StatusNotFound:
		return NotFound
	case http.StatusMethodNotAllowed:
		return MethodNotAllowed
	case http.StatusRequestTimeout:
		return RequestTimeout
	case http.StatusPreconditionFailed:
		return PreconditionFailed
	case http.StatusRequestEntityTooLarge:
		return BodyTooLarge
	case http.StatusUnsupportedMediaType:
		return UnsupportedMediaType
	case http.StatusUnprocessableEntity:
		return ValidationFailed
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusServiceUnavailable:
		return StorageUnavailable
	default:
		return Internal
	}
}
