// Package storetest is the contract of numberdb.Store as tests. Each store runs
// it on itself with [Run]; what holds for one store then holds for all, and a
// new store is done when it passes.
//
// [Follower] keeps a map by the rules that numberdb.Syncer keeps the table by,
// so that tests of one store alone can compare it with the database.
package storetest
