// Package pgtest runs a throw-away Postgres for tests: a cluster in a temporary
// directory, reached by a Unix socket in it alone, removed by Stop.
//
// Postgres refuses to run as root; for root the cluster belongs to the user
// postgres, or nobody. The postmaster is a child that is waited for, so that it
// can be killed and started again (one that stays a zombie blocks its restart),
// and it dies with the test's process.
package pgtest
