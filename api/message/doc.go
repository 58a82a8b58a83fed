// Package message sends short messages through sessions, and tells what became of
// them.
//
// A message is answered with success once a carrier has it; before, its ID and its
// idempotency key are durable, so that a crash in between sends nothing twice: it
// is then told as unknown. Where no carrier has taken it, nothing of it is left.
// Its text is in memory until then and nowhere else, and no number of a person is
// kept with it. It counts as delivered by the network's receipt alone, which its
// carrier sends again until the store has it.
//
// It never logs a number or a text. Start reading at service.go, then writer.go;
// resource.go has the operations.
package message
