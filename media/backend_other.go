//go:build !linux

package media

import (
	"errors"

	"go.uber.org/zap"
)

func openPortable(Config, *counters, clock, *zap.Logger) (backend, error) {
	return nil, errors.New("media relay: the portable backend needs Linux")
}

func openSteer(Config, *counters, clock, *zap.Logger) (backend, error) {
	return nil, errors.New("media relay: the steer backend needs Linux")
}

func openKernel(Config, *counters, clock, *zap.Logger) (backend, error) {
	return nil, errors.New("media relay: the kernel backend needs Linux")
}

type steerLoop struct{}

func reserveDescriptors(Config) error { return nil }
