// Package sqlite is the embedded store of bindings: one SQLite file in the data
// directory, or memory alone for a demonstration.
//
// A commit is on the disk before Apply returns (WAL, synchronous=FULL). One
// process owns the file; a second one is refused by a lock on a file beside it,
// which the kernel drops with the process, however it ends. The change feed is
// the store's own commits in their order, kept in memory within a bound: a
// follower that fell behind it, or a change of many rows at once, ends in
// numberdb.ErrFeedLost and a new Load.
//
// The directory is made with mode 0700 and the files with 0600. Every real
// number in them is sealed; a file of before schema 4, in clear, is taken over
// and written anew.
//
// Start reading at store.go; feed.go is the change feed.
package sqlite
