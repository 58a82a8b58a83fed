// Package rest is the HTTP API under /v1: what every operation has in common,
// and the resources.
//
// An operation is declared once, with [Operation] and [Register]: its path, its
// scope, the problems that it can answer. The OpenAPI document, the check of the
// key and of the scope, the reading and checking of parameters and bodies and the
// form of every problem follow from that. Bodies are bounded in size and depth,
// unknown fields are refused, every fault of a body is told at once, and nothing
// that was submitted is repeated in a problem, a log line or a metric.
//
// A tenant's key sees its tenant's resources alone: those of others do not exist
// for it. Numbers of people are redacted in answers unless the key has pii:read.
//
// Resources declare the small interfaces that they need of the edge; cmd wires
// them. Start reading at api.go, then operation.go and sessions.go.
package rest
