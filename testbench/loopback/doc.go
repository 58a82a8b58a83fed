// Package loopback finds addresses of 127.0.0.0/8 for tests and simulators.
//
// The kernel draws the ports of connections that name none from one range for each
// local address, and that of nearly all is 127.0.0.1: a port there that was free a
// moment ago may be another program's now. At an address of its own a test has all
// ports to itself, those of a fixed range too.
package loopback
