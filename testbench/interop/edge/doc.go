// Package edge tests the release binary as a process, with foreign peers and
// with simulated ones around it: baresip, linphone, SIPp, node-smpp, Kannel,
// tshark, Postgres, and the simulators of testbench. All tests have the build
// tag peers.
//
// The binary is the one that MASKLINE_BINARY names, else it is built. Each test
// has a bed: an edge on a loopback address of its own, so that whatever that
// address sends is the edge's, and ports are the kernel's choice.
//
// Start reading at bed_test.go.
package edge
