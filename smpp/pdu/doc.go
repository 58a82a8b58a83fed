// Package pdu is the SMPP 3.4 codec: frames, PDUs, TLVs, user data headers, texts
// and delivery receipts. It does no I/O of its own beyond reading the stream that
// it is given, knows no session and decides nothing.
//
// Decoding is strict and a view: every field is a slice of the frame, nothing is
// copied or allocated, and the fields are valid until the next [Reader.Fill].
// A decoded PDU has every mandatory field, each within its length in the
// specification, and uses up its body exactly. TLVs keep their order and their
// repetitions. What is wrong comes back as a [Fault]: the field's name and the
// command_status to answer with, never a word of the input.
//
// Encoding appends to a byte slice and refuses what it would have to refuse
// when decoding. A text is written exactly or not at all, and what cannot be read
// in one is U+FFFD; [Cut] never parts a character.
//
// Start reading at frame.go, then message.go and text.go; receipt.go and messageid.go hold
// what SMSCs do beyond the specification.
package pdu
