package main

import "runtime"

// spareProcessor gives Go a second processor on a host that has one, unless GOMAXPROCS
// is set. The threads that wait for datagrams in the kernel keep a processor of Go's
// meanwhile; where none is to spare, its monitor wakes every 20 µs to take it away, and
// a relayed packet costs a tenth more. docs/decisions/030-media-cpu.md.
func spareProcessor(env func(string) (string, bool)) {
	if _, set := env("GOMAXPROCS"); !set && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}
