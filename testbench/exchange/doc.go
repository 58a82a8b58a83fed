// Package exchange is a simulated carrier's SIP side: a trunk with phones
// behind it that call through the edge and answer what it sends, with RTP in
// both directions. It speaks SIP through sipgo's own dialogs, so it shares no
// call logic with the edge, and can be told to refuse or to fall silent.
//
// Start reading at exchange.go, then caller.go and callee.go.
package exchange
