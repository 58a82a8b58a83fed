// Package capture records with tshark what crosses the loopback interface, and
// takes the recording apart into what applications sent: datagrams, and the
// octets of each TCP connection in order.
//
// A recording is whole or an error: packets that the kernel dropped, a segment
// that is missing, and a recorder that ended early are told. Only IPv4 is read.
//
// Start reading at recorder.go, then pcap.go and stream.go.
package capture
