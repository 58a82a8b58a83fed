// Package naming asks DNS for what SIP needs: NAPTR, SRV and addresses.
//
// A [Client] leaves the work to recursive servers, those of the configuration or
// of the system: it asks over UDP with EDNS0, over TCP what does not fit. Each question
// has a socket and a random id of its own. An answer counts only if it comes from
// where the question went, with its id and the question itself; all else is left
// and waited past.
//
// Guarantees: each wait has an end, and the context ends it sooner; a server that
// is silent, refuses or talks nonsense is left for the next one; sizes, counts of
// records and chains of aliases are bounded before anything is kept; lifetimes are
// between 5 s and 1 h. The hosts file comes before DNS.
//
// It keeps no answer: whoever asks is told for how long it holds. It sees names of
// the configuration and of answers to them, never one from SIP.
//
// Start reading at client.go, then answer.go.
package naming
