// Package issuer accepts tokens of identity providers: JWTs that are signed by an
// OpenID Connect issuer of the configuration, for an audience of the configuration.
//
// An issuer's keys are found by discovery and kept in memory. They are read again every
// ten minutes, and when a token names a key that is not known, but at most once a
// minute: who sends garbage makes the edge ask nobody. While an issuer is away, the
// keys that are known go on. Its certificate is checked, redirects are not followed,
// and what it answers is bounded.
//
// A tenant is what the configured claim says, a role too, and neither is ever assumed.
// Nothing of a token is logged or told: who it speaks of is known by a pseudonym.
//
// Start reading at identify.go, then keys.go.
package issuer
