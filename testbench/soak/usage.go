package main

import (
	"context"
	"fmt"
)

// usage is what the edge holds.
type usage struct {
	heap, rss  int64 // octets; heap: what the last collection found alive
	fds        int
	goroutines int
}

// String is for people.
func (u usage) String() string {
	return fmt.Sprintf("heap %s, RSS %s, %d descriptors, %d goroutines", mebi(u.heap), mebi(u.rss), u.fds, u.goroutines)
}

func (w *world) usage(ctx context.Context) (u usage, err error) {
	m, err := w.current().Metrics(ctx)
	if err != nil {
		return u, err
	}
	return usage{
		heap: int64(m.Sum("go_gc_heap_live_bytes")), rss: int64(m.Sum("process_resident_memory_bytes")),
		fds: int(m.Sum("process_open_fds")), goroutines: int(m.Sum("go_goroutines")),
	}, nil
}

// What a life of the edge may grow by while it is left alone. The receipts that
// it waits for are remembered for days, at some 100 octets each.
const (
	moreHeap       = 16 << 20
	moreRSS        = 64 << 20
	moreFDs        = 10
	moreGoroutines = 20
)

// grown lists what is more than it should be.
func (u usage) grown(before usage) []string {
	var all []string
	for _, g := range []struct {
		what       string
		from, to   int64
		atMostMore int64
	}{
		{"heap", before.heap, u.heap, moreHeap},
		{"RSS", before.rss, u.rss, moreRSS},
		{"descriptors", int64(before.fds), int64(u.fds), moreFDs},
		{"goroutines", int64(before.goroutines), int64(u.goroutines), moreGoroutines},
	} {
		if g.to-g.from > g.atMostMore {
			all = append(all, fmt.Sprintf("%s grew from %d to %d", g.what, g.from, g.to))
		}
	}
	return all
}
