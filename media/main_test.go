package media

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(overEachBackend{m}) }

// tested is the backend of the relays that tests open.
var tested = "portable"

// overEachBackend runs all tests over every backend that this host permits.
type overEachBackend struct{ *testing.M }

func (o overEachBackend) Run() int {
	code := o.M.Run()
	for name, open := range map[string]func(Config, *counters, clock, *zap.Logger) (backend, error){"steer": openSteer, "kernel": openKernel} {
		cfg, _ := Config{Addr: ownAddr(), PortMin: 20000, PortMax: 20003, Loops: 1}.checked()
		b, err := open(cfg, &counters{}, monotonic(), zap.NewNop())
		if err != nil {
			fmt.Printf("media backend %s is not tested here: %v\n", name, err)
			continue
		}
		b.stop()
		b.release()
		fmt.Println("media backend", name)
		tested = name
		code |= o.M.Run()
	}
	return code
}
