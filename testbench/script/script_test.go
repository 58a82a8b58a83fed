package script

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"maskline/testbench/await"
)

// TestMain plays the program where this is one: it repeats each line, and what is no
// event.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	fmt.Println("ready, which is no event")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(lines.Text())
	}
}

const asProgram = "MASKLINE_TEST_SCRIPT"

type said struct {
	Event string
	N     int
}

func TestScript(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"=1")
	s, err := Start[said](cmd)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := s.Tell(map[string]any{"event": []string{"one", "two"}[n%2], "n": n}); err != nil {
			t.Fatal(err)
		}
	}
	ones := func(e *said) bool { return e.Event == "one" }
	await.That(t, 10*time.Second, "two events of a kind", func() bool { return len(s.All(ones)) == 2 })
	if all := s.All(func(*said) bool { return true }); len(all) != 3 || all[1] != (said{"two", 1}) {
		t.Errorf("it said %v", all)
	}
	s.Close()
	s.Close()
	if !cmd.ProcessState.Exited() {
		t.Error("it is left behind")
	}
	if s.Tell("more") == nil {
		t.Error("one that has ended takes a command")
	}
}

func TestNoProgram(t *testing.T) {
	if _, err := Start[said](exec.Command(t.TempDir() + "/none")); err == nil {
		t.Error("nothing was started")
	}
}
