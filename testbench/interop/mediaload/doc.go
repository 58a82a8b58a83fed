// Package mediaload puts the media relay alone, without signalling, under load:
// attacks on 1,000 calls, many set-ups, bad paths, a kill. The build tag long makes
// the first two last.
//
// BenchmarkRelay has the relay in a process of its own on one core and the streams
// of testbench/rtp on another; testbench/rtpbench does the same with a whole edge.
//
//	taskset -c 1 go test ./testbench/interop/mediaload -run '^$' -bench . -benchtime 1x
package mediaload
