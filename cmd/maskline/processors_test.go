package main

import (
	"runtime"
	"testing"
)

func TestSpareProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, tt := range []struct {
		name      string
		had, want int
		set       bool
	}{{"one", 1, 2, false}, {"one, as asked", 1, 1, true}, {"two", 2, 2, false}} {
		t.Run(tt.name, func(t *testing.T) {
			runtime.GOMAXPROCS(tt.had)
			spareProcessor(func(string) (string, bool) { return "1", tt.set })
			if got := runtime.GOMAXPROCS(0); got != tt.want {
				t.Errorf("%d processors, want %d", got, tt.want)
			}
		})
	}
}
