// Package webhook posts events to the endpoints of tenants.
//
// What is posted is signed as Standard Webhooks 1.0.0 says ([Sign], [Verify]), and
// only to addresses that may be posted to: the address is checked on the socket
// that is about to connect, so a name that changes its answer gains nothing. There
// are no redirects and no proxies.
//
// The [Engine] delivers at least once, with the same id. Events of one session
// arrive in their order: one is under way at a time, and the next waits until the
// one before is taken or given up. An endpoint that does not answer holds back
// nobody else: posts under way are bounded for each, and slow ones share a part of
// all. What it holds in memory is bounded, whatever is waiting; what waits longer
// than a moment stands in the store. Of several edges one posts to an endpoint, by a
// lease.
//
// Nothing here is on the path of a message or call. No URL, secret or body is ever
// logged. Start reading at sign.go, address.go and engine.go.
package webhook
