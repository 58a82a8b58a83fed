// Package sandbox is what tenants try their journeys with: the ranges of numbers
// that nobody has, what becomes of messages to each of them, and the resource
// /v1/sandbox, by which a test key plays the other side and moves the clock.
//
// Nothing here sends anything: the edge of a sandbox does, to simulated carriers
// alone. A number outside the ranges is nobody's in a sandbox.
//
// Begin with Ranges and Outcomes.
package sandbox
