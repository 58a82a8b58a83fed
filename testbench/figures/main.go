package figures

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Main runs a benchmark until it ends, is interrupted or hangs, and ends the process
// where it fails.
func Main(name string, atMost time.Duration, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, atMost)
	err := run(ctx)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Publish prints a section, and writes it into the document where there is one.
func Publish(file, name, text string) error {
	fmt.Print(text)
	if file == "" {
		return nil
	}
	return WriteSection(file, name, text)
}
