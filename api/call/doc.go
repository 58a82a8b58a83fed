// Package call makes calls between the two participants of a session: the edge calls
// one of them, and when that one has answered the other (click-to-call). Each sees
// the mask by which it knows the other.
//
// A call and its idempotency key are durable before anybody's phone rings, so that a
// request that is sent again rings nobody twice; where the call could not begin,
// nothing of it is left. What becomes of it is written behind, each step with its
// event in one transaction; where an edge ends without telling, its calls are told as
// unknown when it starts again. No number is kept with a call.
//
// The way to each side is decided when that one is called, so that a session that has
// ended, a block or a contact rule meanwhile holds.
//
// Start reading at service.go, then course.go; resource.go has the operations.
package call
