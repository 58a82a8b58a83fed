package pgtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

const socketName = ".s.PGSQL.5432"

// Relay is a socket in front of a server, whose connections can be cut.
type Relay struct {
	server   *Server
	dir      string
	listener net.Listener

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // of clients
	closed bool
	group  sync.WaitGroup
}

// NewRelay makes a relay to the server.
func NewRelay(server *Server) (*Relay, error) {
	dir, err := os.MkdirTemp("", "pgrelay-")
	if err != nil {
		return nil, fmt.Errorf("making the relay's directory: %w", err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, socketName)) //nolint:noctx // a local socket, at once
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening for the relay: %w", err), os.RemoveAll(dir))
	}
	r := &Relay{server: server, dir: dir, listener: listener, conns: map[net.Conn]struct{}{}}
	r.group.Go(r.accept)
	return r, nil
}

// URL is the address of a database through the relay.
func (r *Relay) URL(database string) string {
	return "postgres://" + superuser + "@/" + url.PathEscape(database) + "?host=" + url.QueryEscape(r.dir)
}

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", filepath.Join(r.server.dir, socketName)) //nolint:noctx // a local socket, at once
		if err != nil {
			_ = client.Close() // as the server is
			continue
		}
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			_ = errors.Join(client.Close(), server.Close()) // nothing was said
			return
		}
		r.conns[client] = struct{}{}
		r.mu.Unlock()
		var both sync.WaitGroup
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			both.Go(func() {
				_, _ = io.Copy(way[0], way[1]) // cut on purpose
				_ = errors.Join(client.Close(), server.Close())
			})
		}
		r.group.Go(func() {
			both.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.conns, client)
		})
	}
}

// Cut ends the connections that choose picks.
func (r *Relay) Cut(choose func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		if choose() {
			_ = conn.Close() // whoever reads meets its end
		}
	}
}

// Close ends the relay with all its connections.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.listener.Close()
	r.Cut(func() bool { return true })
	r.group.Wait()
	return errors.Join(err, os.RemoveAll(r.dir))
}
