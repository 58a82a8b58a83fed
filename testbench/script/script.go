// Package script drives a program of another language that plays a peer: it prints
// what happens as lines of JSON, takes commands as such lines on its input, and ends
// with its input.
package script

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Script is a program that runs. E is what its lines hold.
type Script[E any] struct {
	in    io.WriteCloser
	close func()

	mu     sync.Mutex
	events []E
}

// Start runs the program. What it says beside its events goes to our own.
func Start[E any](cmd *exec.Cmd) (*Script[E], error) {
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s is needed: %w", cmd.Path, err)
	}
	s := &Script[E]{in: in}
	var reading sync.WaitGroup
	reading.Go(func() { s.collect(out) })
	s.close = sync.OnceFunc(func() {
		_ = in.Close() // the program ends with it
		reading.Wait()
		_ = cmd.Wait() // how it ends is its own
	})
	return s, nil
}

// Close ends the program and waits for it.
func (s *Script[E]) Close() { s.close() }

func (s *Script[E]) collect(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var e E
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			s.mu.Lock()
			s.events = append(s.events, e)
			s.mu.Unlock()
		}
	}
}

// All lists the events so far that which selects.
func (s *Script[E]) All(which func(*E) bool) (found []E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.events {
		if which(&s.events[i]) {
			found = append(found, s.events[i])
		}
	}
	return found
}

// Tell sends a command.
func (s *Script[E]) Tell(command any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return fmt.Errorf("telling a program: %w", err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("telling a program: %w", err)
	}
	return nil
}
