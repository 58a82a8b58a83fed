package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"maskline/api"
	"maskline/numberdb"
)

// importFile has a file applied, all of it or nothing, and tells how many rows that
// were.
func importFile(c console, path, one, many string, apply func(csv io.Reader) (rows int, err error)) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	defer func() { _ = file.Close() }()
	body, finish := withProgress(file, c.err, "reading "+many)
	rows, err := apply(body)
	finish()
	var faults *numberdb.Faults
	var problem *api.Problem
	switch {
	case errors.As(err, &faults):
		return fmt.Errorf("the file has faults, nothing of it was applied\n%w", faults)
	case errors.As(err, &problem) && len(problem.Faults) > 0: // the same, told by the edge
		return problem
	case err != nil:
		return fmt.Errorf("importing: %w", err)
	case rows == 1:
		many = one
	}
	fmt.Fprintf(c.out, "imported %d %s\n", rows, many)
	return nil
}

// withProgress shows on a terminal how much of the file has been read.
func withProgress(file *os.File, w io.Writer, doing string) (body io.Reader, finish func()) {
	info, err := file.Stat()
	screen, isFile := w.(*os.File)
	if err != nil || !isFile || !term.IsTerminal(int(screen.Fd())) {
		return file, func() {}
	}
	bar := progressbar.NewOptions64(info.Size(),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	reader := progressbar.NewReader(file, bar)
	return &reader, func() { _ = bar.Finish() }
}
