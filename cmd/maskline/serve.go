package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/configs"
)

type serveCommand struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run serves until SIGTERM or SIGINT, then drains; a second signal ends it at
// once.
func (cmd *serveCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	log, err := newLogger(c.err, string(cfg.Log.Level), string(cfg.Log.Format))
	if err != nil {
		return err
	}
	log = log.With(zap.String("node", string(cfg.Node)))
	defer func() { _ = log.Sync() }()
	stop := watchSignals(cmd.Config, c, log)
	defer stop()
	e, err := newEdge(ctx, cfg, log, prometheus.NewRegistry())
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	if err := e.Listen(ctx); err != nil {
		return errors.Join(fmt.Errorf("starting: %w", err), e.close())
	}
	return e.Run(ctx)
}

// watchSignals answers SIGHUP, which this version can only check the file for,
// and lets a second SIGTERM or SIGINT end a drain that takes too long.
func watchSignals(file string, c console, log *zap.Logger) (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, os.Interrupt)
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for ends := 0; ; {
			select {
			case <-done:
				return
			case s := <-signals:
				if s == syscall.SIGHUP {
					checkReload(file, c, log)
					continue
				}
				if ends++; ends == 2 {
					log.Warn("second signal: stopping at once")
					c.exit(1)
				}
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-finished
	}
}

// checkReload tells whether the file would load. Applying it takes a restart in
// this version, and saying so is better than ending on an unhandled SIGHUP.
func checkReload(file string, c console, log *zap.Logger) {
	if _, err := configs.Load(file, c.env); err != nil {
		log.Error("the configuration has faults; what runs is unchanged", zap.Error(err))
		return
	}
	log.Warn("the configuration is valid, but this version applies it at the next start only")
}
