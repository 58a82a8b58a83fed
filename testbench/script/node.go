package script

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// NodeModules is the folder of npm's packages that peers.sh has installed in the folder
// interop, or that MASKLINE_NODE_MODULES names.
func NodeModules(interop string) (string, error) {
	modules := os.Getenv("MASKLINE_NODE_MODULES")
	if modules == "" {
		modules = filepath.Join(interop, "node_modules")
	}
	modules, err := filepath.Abs(modules)
	if err == nil {
		_, err = os.Stat(modules)
	}
	if err != nil {
		return "", fmt.Errorf("packages of npm are needed (testbench/interop/peers.sh): %w", err)
	}
	return modules, nil
}

// Node is a JavaScript program of the tests in the folder interop, which finds those
// packages.
func Node(interop, program string, args ...string) (*exec.Cmd, error) {
	modules, err := NodeModules(interop)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("node", append([]string{filepath.Join(interop, program)}, args...)...) //nolint:noctx // it ends with its input
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	return cmd, nil
}
