// Package sms proves the SMPP side against foreign peers: node-smpp plays the
// carriers' SMSCs and applications, Kannel's bearerbox and smsbox an aggregator
// bound to an account, Net::SMPP for Perl either of them. The edge between them runs in the
// test's process. go-smpp is a peer in the tests of package smpp.
//
// The tests are built with the tag "peers". They need node, perl, Debian's
// kannel and libnet-smpp-perl, and node-smpp: from the folder that
// MASKLINE_NODE_MODULES names, from ../node_modules, or installed by npm into a
// temporary folder.
//
// Start reading at sms_test.go; smsc.js, peer.js and netsmpp.pl are the peers.
package sms
