package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Replicating are the settings of a server that feeds others.
func Replicating() []string {
	return []string{"wal_level=logical", "max_wal_senders=20", "max_replication_slots=20"}
}

// Durable are the settings of a server that is measured: it waits for its disk, and
// has room as servers have.
func Durable() []string {
	return append(Replicating(), "fsync=on", "synchronous_commit=on", "shared_buffers='512MB'", "max_wal_size='4GB'", "autovacuum_naptime='60s'", // as it is by default
		"max_connections=200")
}

// Freeze stops every process of the server (SIGSTOP) until Thaw: its
// connections stay open and nothing answers.
func (s *Server) Freeze() error { return s.signalAll(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (s *Server) Thaw() error { return s.signalAll(syscall.SIGCONT) }

// signalAll signals the postmaster first, so that it makes no more children.
func (s *Server) signalAll(sig syscall.Signal) error {
	postmaster := s.cmd.Process.Pid
	if err := syscall.Kill(postmaster, sig); err != nil {
		return fmt.Errorf("signalling Postgres: %w", err)
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return fmt.Errorf("looking for the server's processes: %w", err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// proc(5): pid (name) state ppid …
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(postmaster) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signalling a process of Postgres: %w", err)
		}
	}
	return nil
}

// Standby makes and starts a streaming replica of the server.
func (s *Server) Standby(ctx context.Context) (*Server, error) {
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, fmt.Errorf("making the replica's directory: %w", err)
	}
	r := &Server{bin: s.bin, dir: dir, owner: s.owner}
	if err := r.copyFrom(ctx, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := r.Restart(ctx); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (s *Server) copyFrom(ctx context.Context, primary *Server) error {
	if s.owner != nil {
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return fmt.Errorf("giving the replica to its user: %w", err)
		}
	}
	backup := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_basebackup"), "--pgdata="+s.data(), "--host="+primary.dir,
		"--username="+superuser, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	backup.Dir = s.dir
	backup.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("copying the primary: %w: %s", err, out)
	}
	return s.configure("unix_socket_directories='" + s.dir + "'")
}

// configure appends lines to the configuration; the last of a name holds.
func (s *Server) configure(lines ...string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configuring the cluster: %w", err)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(f, line); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// Reconfigure appends lines to the configuration and restarts the server.
func (s *Server) Reconfigure(ctx context.Context, lines ...string) error {
	return errors.Join(s.configure(lines...), s.Shutdown(), s.Restart(ctx))
}

// Promote makes a replica a primary and waits until it is.
func (s *Server) Promote(ctx context.Context) error {
	return s.Exec(ctx, superuser, `SELECT pg_promote()`)
}

// Dir is where the server keeps its files and its socket.
func (s *Server) Dir() string { return s.dir }
