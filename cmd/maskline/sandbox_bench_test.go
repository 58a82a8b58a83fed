package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/configs"
)

// BenchmarkSandbox opens sandboxes of as many tenants, and tells what each of them
// costs while it is open.
func BenchmarkSandbox(b *testing.B) {
	var tenants []string
	for i := range b.N {
		tenants = append(tenants, fmt.Sprintf("{name: shop%d}", i))
	}
	dir := b.TempDir()
	text := fmt.Sprintf("data_dir: %s\ntenants: [%s]\napi: {listen: \"127.0.0.1:0\"}\nsandbox: {open: 0}\n", filepath.Join(dir, "data"), strings.Join(tenants, ", "))
	cfg, err := configs.Parse("edge.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		b.Fatal(err)
	}
	e, err := newEdge(b.Context(), cfg, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Listen(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	if err := e.sessions.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	heap, resident, routines := used()
	b.ResetTimer()
	for i := range b.N {
		_, done, err := e.boxes.enter(b.Context(), fmt.Sprintf("shop%d", i))
		if err != nil {
			b.Fatal(err)
		}
		defer done()
	}
	b.StopTimer()
	heapThen, residentThen, routinesThen := used()
	b.ReportMetric(float64(heapThen-heap)/float64(b.N)/1e6, "heapMB/sandbox")
	b.ReportMetric(float64(residentThen-resident)/float64(b.N)/1e6, "residentMB/sandbox")
	b.ReportMetric(float64(routinesThen-routines)/float64(b.N), "goroutines/sandbox")
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// used is the heap and the resident memory in octets, and how many goroutines there
// are.
func used() (heap, resident int64, routines int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size int64
		_, _ = fmt.Sscan(string(text), &size, &resident)
		resident *= int64(os.Getpagesize())
	}
	return int64(m.HeapInuse), resident, runtime.NumGoroutine()
}
