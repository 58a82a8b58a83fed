// Package mediaload measures the media relay under load: the relay in a process
// of its own on one core, the streams of testbench/rtp on another.
//
//	taskset -c 1 go test ./testbench/interop/mediaload -run '^$' -bench . -benchtime 1x
package mediaload
