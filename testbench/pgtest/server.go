package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

const (
	startTime = 60 * time.Second // for a start, with the recovery after a kill
	stopTime  = 20 * time.Second
	superuser = "postgres"
)

// Server is a running cluster.
type Server struct {
	bin    string
	dir    string
	owner  *syscall.Credential // nil: as the process itself
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd was waited for
}

// Start makes a cluster and starts it. Settings, such as "fsync=on", come after
// those that make tests fast.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	owner, err := clusterOwner()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, fmt.Errorf("making the cluster's directory: %w", err)
	}
	s := &Server{bin: bin, dir: dir, owner: owner}
	if err := s.create(ctx, settings); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// binaries finds the newest installed server; Debian keeps it out of PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no Postgres server is installed; apt-get install postgresql")
	}
	return filepath.Dir(path), nil
}

func version(initdb string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	if err != nil {
		return 0
	}
	return n
}

func clusterOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other user is needed
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("root cannot run Postgres, and there is no user postgres or nobody")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) create(ctx context.Context, settings []string) error {
	if s.owner != nil {
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return fmt.Errorf("giving the cluster to its user: %w", err)
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "--pgdata="+s.data(), "--username="+superuser,
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.Dir = s.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("making the cluster: %w: %s", err, out)
	}
	all := append([]string{
		"listen_addresses=''", "unix_socket_directories='" + s.dir + "'", "max_connections=60", "shared_buffers='64MB'",
		"fsync=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum_naptime='5s'", "log_min_messages=fatal",
	}, settings...)
	return s.configure(all...)
}

// Restart starts the postmaster after Start, Kill or Shutdown and returns when
// it answers. What a killed one left behind may take it some tries.
func (s *Server) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for ctx.Err() == nil {
		if s.cmd == nil {
			if err := s.launch(); err != nil {
				return err
			}
		}
		select {
		case <-s.exited:
			s.cmd = nil
		default:
			if s.answers(ctx) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("starting Postgres: %w", ctx.Err())
}

// launch starts the postmaster from a thread that lives as long as it: the
// kernel signals the child when the thread that made it ends.
func (s *Server) launch() error {
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data()) //nolint:noctx // ended by Kill or Shutdown
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGKILL}
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is the test's own doing
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting Postgres: %w", err)
	}
	s.cmd, s.exited = cmd, exited
	return nil
}

func (s *Server) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// URL is the address of a database.
func (s *Server) URL(database string) string {
	return "postgres://" + superuser + "@/" + url.PathEscape(database) + "?host=" + url.QueryEscape(s.dir)
}

// CreateDatabase makes an empty database.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return s.Exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// Exec runs SQL in a database as the superuser.
func (s *Server) Exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return fmt.Errorf("connecting to the throw-away Postgres: %w", err)
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// Dump is what pg_dump makes of the database, as SQL.
func (s *Server) Dump(ctx context.Context, database string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_dump"), "--dbname="+s.URL(database)) //nolint:gosec // a program that was found
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dumping: %w", err)
	}
	return out, nil
}

// Kill sends SIGKILL to the postmaster and waits for it.
func (s *Server) Kill() error { return s.signal(syscall.SIGKILL) }

// Shutdown stops the postmaster in order, cutting its connections, and waits.
func (s *Server) Shutdown() error { return s.signal(syscall.SIGINT) }

func (s *Server) signal(sig syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling Postgres: %w", err)
	}
	select {
	case <-s.exited:
		s.cmd = nil
		return nil
	case <-time.After(stopTime):
		return errors.New("postgres does not end")
	}
}

// Stop ends the cluster and removes it.
func (s *Server) Stop() error {
	err := s.Shutdown()
	if err != nil {
		err = errors.Join(err, s.Kill())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// test is the part of a test that ForTest needs.
type test interface {
	Helper()
	Context() context.Context
	Cleanup(end func())
	Fatal(args ...any)
}

// ForTest is a server with an empty database, until the test ends.
func ForTest(t test, database string, settings ...string) *Server {
	t.Helper()
	s, err := Start(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.CreateDatabase(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	return s
}

// Main runs a package's tests with one server, which it puts into server first, and
// returns the code to exit with. A goroutine that is left at the end is a fault.
func Main(tests interface{ Run() int }, server **Server) int {
	var err error
	if *server, err = Start(context.Background(), Replicating()...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := tests.Run()
	err = (*server).Stop()
	if err == nil && code == 0 {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}
