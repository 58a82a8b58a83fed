// Package sms proves the SMPP side against foreign peers: node-smpp plays the
// carriers' SMSCs, Kannel's bearerbox and smsbox an aggregator bound to an
// account. The edge between them runs in the test's process.
//
// The tests are built with the tag "peers". They need node, Debian's kannel, and
// node-smpp: from the folder that MASKLINE_NODE_MODULES names, from
// ../node_modules, or installed by npm into a temporary folder.
//
// Start reading at sms_test.go; smsc.js is the SMSC.
package sms
