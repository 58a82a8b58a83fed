// Package ledger keeps on this machine what happened and must survive a
// restart: submissions that await receipts and receipts that wait for their
// originator, in one SQLite file in the data directory, and records of calls.
//
// [Ledger.Hold] answers when the receipt is on the disk (synchronous=FULL);
// callers that wait at the same time share one fsync. [Ledger.Sent] never waits:
// submissions are written behind in groups, so a crash loses those of the last
// second at most (Config.FlushEvery and the time of a commit), and where the
// disk cannot follow, what exceeds the buffer is dropped and counted. After an
// orderly Close nothing is lost.
//
// Everything that tells who wrote to whom is sealed under the edge's key; the
// file shows times, counts and sizes. Old entries are deleted by age and
// number. A full or broken disk is an error to Hold and a metric, never a panic.
//
// [CDRs] are call detail records, one line of JSON each, in files that are
// finished by renaming. [CDRs.Add] never waits and loses nothing while the process
// lives: what the disk does not take stays in memory, and [CDRs.Full] tells when no
// call should begin. A killed process loses what is between Add and the next
// write; a power cut the last 100 ms (CDRConfig.SyncEvery) and one fsync.
//
// Start reading at ledger.go, then writer.go; record.go is the format of what
// is sealed. For CDRs: cdrs.go, cdr_writer.go, cdr_file.go; cdr.go is the record.
package ledger
