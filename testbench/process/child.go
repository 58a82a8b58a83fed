package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Child is a process that dies with the one that started it. Its methods may be
// called from any goroutine.
type Child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd was waited for
}

// StartChild starts cmd.
func StartChild(cmd *exec.Cmd) (*Child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	c := &Child{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() { // the kernel signals the child when the thread that made it ends
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(c.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its outcome is in ProcessState
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting a process: %w", err)
	}
	return c, nil
}

// PID is the process's id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Signal sends a signal.
func (c *Child) Signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signalling a process: %w", err)
	}
	return nil
}

// Ended reports whether the process has ended.
func (c *Child) Ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// Wait waits for the process to end and returns its exit code, -1 where a
// signal ended it.
func (c *Child) Wait(limit time.Duration) (int, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.exited:
		return c.cmd.ProcessState.ExitCode(), nil
	case <-timer.C:
		return 0, fmt.Errorf("the process did not end within %v", limit)
	}
}

// Stop asks the process to end with SIGTERM and wants exit code 0.
func (c *Child) Stop(limit time.Duration) error {
	if err := c.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	code, err := c.Wait(limit)
	if err == nil && code != 0 {
		err = fmt.Errorf("the process ended with code %d", code)
	}
	return err
}

// Kill ends the process at once, as a fault of the machine would, and waits.
// Killing what has ended is no error.
func (c *Child) Kill() error {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing a process: %w", err)
	}
	<-c.exited
	return nil
}
