// Package postgres is the store of bindings in a Postgres database, version 13
// or newer, in the schema maskline. Any number of edges may write it; they
// share the data key under which every real number in it is sealed. Other
// programs may count and delete rows. A row that does not open is left out and
// counted.
//
// A feed is logical replication: a slot, whose exported snapshot is read by
// binary COPY, and the stream of what was committed since (pgoutput). It loses
// nothing and a long transaction delays nobody. Where the server forbids it, the
// feed is the changelog: triggers keep the keys of changed rows, which each edge
// polls below the oldest transaction that still runs. [Config.Sync] chooses, and
// the feed tells why it is not the better one.
//
// A feed that ends is opened anew: with a temporary slot, or on another cluster
// or timeline, everything is loaded again; a named slot goes on. What a stream
// cannot tell ends it. Every query has a deadline, every length from the wire a
// bound. No error holds a number, a password or what the server says about
// values.
//
// Start reading at store.go, then feed.go, slot.go, logical.go, stream.go and
// copy.go; apply.go writes, follow.go polls, compare.go compares, rows.go has
// the form of a row. The schema with its reasons is in migrations.
package postgres
