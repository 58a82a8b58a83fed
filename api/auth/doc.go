// Package auth says who asks and what they may: keys, roles and scopes of the
// API.
//
// A key's text is shown once, when it is made; what is kept is a SHA-256 of it,
// and a short public part by which it is found. Keys are compared in constant
// time and looked up in memory alone: a request never waits for the store to
// learn who sent it. What another edge revokes is refused here within the time
// that Config.Refresh says, what this one revokes at once.
//
// A key is an OAuth client too: Issue gives it tokens that live for a quarter of an
// hour. They are not kept: a code by the store's data key makes them every edge's, and
// each request looks for their key.
//
// Start reading at identity.go, then keys.go and token.go.
package auth
