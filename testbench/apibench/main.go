package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"maskline/testbench/pgtest"
	"maskline/testbench/process"
)

const (
	masks  = 2_000
	config = `node: bench
data_dir: ./data
database: {url: "%s"}
api: {listen: "127.0.0.1:0", abuse: {sequential: 0}}
smpp: {listen: [{addr: "127.0.0.1:0"}]}
`
)

func main() {
	connections := flag.Int("connections", 64, "connections at a time")
	last := flag.Duration("for", 15*time.Second, "how long each part lasts")
	embedded := flag.Bool("sqlite", false, "the embedded store instead of Postgres")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *connections, *last, *embedded); err != nil {
		fmt.Fprintln(os.Stderr, "apibench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, connections int, last time.Duration, embedded bool) (err error) {
	binary := os.Getenv("MASKLINE_BINARY")
	if binary == "" {
		return errors.New("MASKLINE_BINARY names no edge")
	}
	dir, err := os.MkdirTemp("", "apibench")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	url := ""
	if !embedded {
		server, err := pgtest.Start(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = server.Stop() }() // its folder goes with it
		if err := server.CreateDatabase(ctx, "bench"); err != nil {
			return err
		}
		url = server.URL("bench")
	}
	edge, err := process.Start(ctx, process.Config{Binary: binary, Dir: dir, Text: fmt.Sprintf(config, url)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, edge.Kill()) }()
	b := &bench{addr: edge.Listeners().API.String(), connections: connections, last: last}
	if b.key, err = awaitKey(ctx, filepath.Join(dir, "data", "admin.key")); err != nil {
		return err
	}
	if err := b.stock(ctx); err != nil {
		return err
	}
	made, err := b.part(ctx, b.create)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "POST /v1/sessions    ", made)
	read, err := b.part(ctx, b.read)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "GET /v1/sessions/{id}", read)
	return nil
}

func awaitKey(ctx context.Context, file string) (string, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if key, err := os.ReadFile(file); err == nil && len(key) > 0 {
			return strings.TrimSpace(string(key)), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
		}
	}
}
