//go:build !peers

package sessions

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	inChild()
	goleak.VerifyTestMain(m)
}

func openURL(string, func() time.Time) (database, error) {
	return nil, errors.New("built without peers")
}
