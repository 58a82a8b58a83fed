// Package rtpload puts calls through a media relay and knows afterwards what
// became of every packet: lost, repeated, overtaken, altered, another call's, an
// attacker's, and how long each was on its way.
//
// A [Load] plays both parties of each call with the streams of testbench/rtp. The
// calls are set up by a [Relay]: [Carriers] speak SIP to an edge from both of its
// sides, [Engine] speaks rtpengine's ng protocol, [Direct] joins the parties
// without anything between them. A [Siege] attacks the calls from before they are
// set up until they end.
//
// Start reading at load.go, then siege.go.
package rtpload
