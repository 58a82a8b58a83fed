package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary is the path in MASKLINE_BINARY; where that is unset, the binary is
// built into dir.
func Binary(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("MASKLINE_BINARY"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "maskline")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "maskline/cmd/maskline")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the edge: %w: %s", err, out)
	}
	return path, nil
}
