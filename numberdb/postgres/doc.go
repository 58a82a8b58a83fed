// Package postgres is the store of bindings in a Postgres database, version 13
// or newer, in the schema maskline. Any number of edges may write it; they
// share the data key under which every real number in it is sealed. Other
// programs may count and delete rows. A row that does not open is left out and
// counted.
//
// The change feed is provisional: triggers keep the keys of changed rows in
// maskline.changelog, and each edge polls it, every 100 ms or at once after a
// write of its own, below the oldest transaction that still runs. It loses
// nothing and works with any wal_level, but a long transaction anywhere in the
// cluster delays it (the delay is told and measured). Feeding from logical
// replication is to take its place.
//
// Every loss of the connection ends Follow; the caller loads again. Changelog
// rows are trimmed after some minutes, and a follower that is behind is told to
// load again. Every query has a deadline. No error holds a number, a password
// or what the server says about values.
//
// Start reading at store.go, then load.go, apply.go and follow.go; rows.go has
// the form of a row; the schema with its reasons is in migrations.
package postgres
