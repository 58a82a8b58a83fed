// Package e164 is the packed telephone number of Maskline: up to 15 digits in
// one uint64, comparable, usable as a map key, and redacted however it is
// printed.
//
// A number shows its digits only through [Number.Reveal], [Number.AppendDigits]
// and [Number.Padded]; every other way to text (fmt verbs, JSON, zap) shows its
// last two digits. Log, metric and error texts may therefore hold a Number.
//
// A short code is a Number too, keyed by the calling code of its country.
//
// The package checks form (7 to 15 digits), never a numbering plan. Of plans it
// knows how long calling codes are, and, in [Number.Canonical], that the same
// mobile appears on the wire in two forms in Argentina and Mexico.
//
// Start reading at number.go; redact.go holds the text redactor that the log
// encoder uses.
package e164
