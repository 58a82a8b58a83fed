// Package events serves what tenants are told: as lists and as server-sent events
// under /v1/events. What is told stands in the store, where it was written with
// the change that it tells of; [Notes] writes what belongs to no change, behind.
//
// Who reads on after the last event that it got misses none and gets none twice. A
// stream that is read too slowly is cut off and may be resumed; how many there are
// is bounded. Nothing here waits on the path of a message or call: what is noted
// goes into a bounded queue, and what does not fit is counted.
//
// Start reading at hub.go, then resource.go.
package events
