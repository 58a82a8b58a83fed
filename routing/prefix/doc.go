// Package prefix finds the carriers that serve a destination by the leading
// digits of its number.
//
// A [Table] is what was imported: rows of carrier, prefix, cost and quality. A
// [Trie] is rows made ready for lookups: it never changes, takes no lock and
// holds no pointers but its three arrays, so that it costs the collector nothing
// and a new one is built aside and swapped in. A [Walk] meets every carrier that
// serves a number once, by its longest prefix, the longest of all first; it
// allocates nothing.
//
// [Import] reads a CSV whole, or refuses it with every fault; [Export] writes one
// that imports again octet for octet. [File] keeps a table over restarts.
//
// A prefix may be a whole number: like a number it is printed redacted.
//
// Start reading at row.go and trie.go.
package prefix
