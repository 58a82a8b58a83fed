package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"maskline/testbench/pgtest"
	"maskline/testbench/process"
)

// spent is the processors' time that the making of sessions takes.
type spent struct {
	folder, name string         // of a profile; no folder: none
	server       *pgtest.Server // nil: there is none

	edge   time.Duration
	others pgtest.CPU
	err    error
}

// begin is sessionload's Making.
func (s *spent) begin() (done func()) {
	before, atServer, err := s.now()
	stop := s.profile()
	return func() {
		stop()
		after, server, failed := s.now()
		if s.err = err; s.err == nil {
			s.err = failed
		}
		s.edge = after - before
		s.others = pgtest.CPU{
			Backends: server.Backends - atServer.Backends, Senders: server.Senders - atServer.Senders, Others: server.Others - atServer.Others,
		}
	}
}

func (s *spent) now() (edge time.Duration, server pgtest.CPU, err error) {
	if edge, err = process.CPU(os.Getpid()); err == nil && s.server != nil {
		server, err = s.server.CPU()
	}
	return edge, server, err
}

func (s *spent) profile() (stop func()) {
	if s.folder == "" {
		return func() {}
	}
	file, err := os.Create(filepath.Join(s.folder, s.name+".cpu"))
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "numberbench: no profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // an incomplete one does not open
	}
}

// each is the time for one of so many sessions, by process.
func (s *spent) each(sessions int) string {
	if s.err != nil || sessions == 0 {
		return ""
	}
	micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(sessions) }
	if s.server == nil {
		return fmt.Sprintf("%.0f", micros(s.edge))
	}
	return fmt.Sprintf("%.0f, %.0f, %.0f, %.0f", micros(s.edge), micros(s.others.Backends), micros(s.others.Senders), micros(s.others.Others))
}
