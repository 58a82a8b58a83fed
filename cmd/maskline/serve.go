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
	level, err := zap.ParseAtomicLevel(string(cfg.Log.Level))
	if err != nil {
		return fmt.Errorf("log level: %w", err)
	}
	log := newLoggerAt(c.err, level, string(cfg.Log.Format))
	log = log.With(zap.String("node", string(cfg.Node)))
	defer func() { _ = log.Sync() }()
	spareProcessor(c.env)
	reload := &reloader{file: cmd.Config, env: c.env, level: level, log: log}
	stop := watchSignals(reload, c, log)
	defer stop()
	e, err := newEdge(ctx, cfg, log, prometheus.NewRegistry())
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	if err := e.Listen(ctx); err != nil {
		return errors.Join(fmt.Errorf("starting: %w", err), e.close())
	}
	e.reload = reload.Reload
	reload.begin(e)
	return e.Run(ctx)
}

// watchSignals reloads on SIGHUP, and lets a second SIGTERM or SIGINT end a drain
// that takes too long.
func watchSignals(reload *reloader, c console, log *zap.Logger) (stop func()) {
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
					_, _ = reload.Reload("") // it logs
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
