// Command soak runs the release binary for as long as it is told, with
// Postgres, two simulated carriers and two accounts around it, and counts.
//
// In the first half the edge is killed (SIGKILL) or drained every few minutes
// and started again, and the database is taken away now and then; in the second
// half it is left alone, to see whether it grows. Carriers fail at random all
// the time. Every minute and at the end it prints what became of the messages
// and calls, and what the process holds.
//
// A tenant's program uses the API beside it: it makes sessions and leases, sends
// messages and codes that verify a number, and hears of what happens by webhooks. It
// asks again with the same key what was not answered. What was answered must be there
// in the end, once, or be over by its time, and each webhook must come, in order within
// its session, where those that come again count once.
//
// A message whose sender got no answer, because the edge or the bind was cut
// away, counts as unknown: the sender would send it again. What was
// acknowledged must have arrived, once, and its receipt must come. The one
// exception is the edge's own and named: whose receipts it expects is written
// behind, so a receipt is excused where its message was accepted within the
// last moments before a kill (package ledger).
//
// It exits with 1 if anything acknowledged was lost or came twice, a message
// was refused that could be routed, a real number was seen where it must not
// be, or the process holds more in the end than it should.
//
// Start reading at main.go; tally.go and apitally.go decide what is lost.
package main
