package webhook

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		runChild(dir, os.Getenv(childVariable+"_URL"))
	}
	goleak.VerifyTestMain(m)
}
