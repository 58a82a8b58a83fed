// Package sip sets SIPp at both ends of the edge: callers and called sides
// with their real numbers in every place that SIP offers, carriers that refuse,
// stay silent or are not there. Everything that each side was sent is searched
// for the other side's number.
//
// Kamailio is a carrier that wants a registration and a digest, and a strict proxy
// between the edge and both sides.
//
// dnsmasq tells where a carrier is.
//
// It needs sipp (Debian: sip-tester), kamailio and dnsmasq (dnsmasq-base), and is built with the tag "peers".
package sip
