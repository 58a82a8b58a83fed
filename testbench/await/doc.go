// Package await is how tests wait for what other goroutines and processes do.
//
// It is for what tells nobody: a count, a state, a file, a port. What has a
// channel or a WaitGroup is waited for there, and what waits for time alone runs
// in a bubble of testing/synctest.
//
// A wait ends as soon as its condition holds; how long it may take is the
// caller's patience, which a test that passes never uses up. It sets its own pace:
// often at first, then more and more seldom, and never so often that looking
// keeps a processor from what is waited for.
//
// Tests alone import it.
package await
