package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"maskline/api"
	"maskline/configs"
	"maskline/numberdb"
)

type reloadCommand struct {
	Config string `required:"" help:"Configuration file of the running edge." type:"path"`
}

// Run asks the edge that runs with the file to apply it again, and prints what
// was applied and what waits for a restart.
func (cmd *reloadCommand) Run(ctx context.Context, c console) error {
	dir, err := configs.DataDir(cmd.Config, c.env)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return &exitError{1}
	}
	edge := findEdge(ctx, dir)
	if edge == nil {
		return errors.New("no edge runs on the data_dir of this file")
	}
	file, err := filepath.Abs(cmd.Config)
	if err != nil {
		return fmt.Errorf("finding the file: %w", err)
	}
	var done api.Reloaded
	if err := edge.post(ctx, "/reload", map[string]string{"file": file}, &done); err != nil {
		return err
	}
	for _, key := range done.Applied {
		fmt.Fprintln(c.out, "applied:", key)
	}
	for _, key := range done.Restart {
		fmt.Fprintln(c.out, "not applied, needs a restart:", key)
	}
	if len(done.Applied)+len(done.Restart) == 0 {
		fmt.Fprintln(c.out, "nothing has changed")
	}
	return nil
}

// reloader applies the configuration file of a running edge again, asked by
// SIGHUP or through the control socket.
type reloader struct {
	file  string
	env   func(string) (string, bool)
	level zap.AtomicLevel
	log   *zap.Logger

	mu      sync.Mutex
	edge    *edge           // nil while it starts
	running *configs.Config // what is in effect
}

// reloadNoted bounds how long a reload waits for its line in the audit.
const reloadNoted = 10 * time.Second

// begin makes the edge known, once it listens.
func (r *reloader) begin(e *edge) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.edge, r.running = e, e.cfg
}

// Reload applies what can be applied while the edge runs. Where the file has a
// fault, or one that it names cannot be read, nothing changes.
func (r *reloader) Reload(file string) (api.Reloaded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	done, err := r.apply(file)
	if err != nil {
		r.log.Error("not reloaded; what runs is unchanged", zap.Error(err))
		return done, err
	}
	if len(done.Applied) > 0 {
		ctx, cancel := context.WithTimeout(numberdb.WithActor(context.Background(), numberdb.OperatorActor), reloadNoted)
		defer cancel()
		if err := r.edge.changes.Note(ctx, "", "config.reloaded", "", strings.Join(done.Applied, ", ")); err != nil {
			r.log.Error("the reload is not in the audit", zap.Error(err))
		}
	}
	r.log.Info("reloaded", zap.Strings("applied", done.Applied), zap.Strings("needs_restart", done.Restart))
	return done, nil
}

func (r *reloader) apply(file string) (api.Reloaded, error) {
	if file != "" && !sameFile(file, r.file) {
		return api.Reloaded{}, errors.New("the edge on this data_dir runs with another configuration file")
	}
	if r.edge == nil {
		return api.Reloaded{}, errors.New("the edge is still starting")
	}
	next, err := configs.Load(r.file, r.env)
	if err != nil {
		return api.Reloaded{}, faulty(err)
	}
	merged, changes := configs.Merge(r.running, next)
	var level zapcore.Level
	if err := level.UnmarshalText([]byte(merged.Log.Level)); err != nil {
		return api.Reloaded{}, fmt.Errorf("log level: %w", err)
	}
	r.edge.prefixes.mu.Lock()
	defer r.edge.prefixes.mu.Unlock()
	rules, err := r.edge.prefixes.reload(context.Background(), r.edge.routing(merged))
	if err != nil {
		return api.Reloaded{}, err
	}
	guarding, err := r.edge.protection.prepare(merged)
	if err != nil {
		return api.Reloaded{}, err
	}
	trunks := func() []string { return nil }
	if r.edge.sip != nil {
		if trunks, err = r.edge.sip.Prepare(r.edge.sipConfig(merged)); err != nil {
			return api.Reloaded{}, err
		}
	}
	secured, err := apiTLS(merged)
	if err != nil {
		return api.Reloaded{}, err
	}
	prompts, err := loadPrompts(merged)
	if err != nil {
		return api.Reloaded{}, err
	}
	files, err := r.edge.smpp.Reload(smppConfig(merged))
	if err != nil {
		return api.Reloaded{}, err
	}
	rules()
	files = append(files, trunks()...)
	if merged.API.Destinations == r.running.API.Destinations && !guarding.Destinations.Equal(r.edge.protection.rules.Load().Destinations) {
		files = append(files, "ranges of api.destinations")
	}
	if r.edge.sip != nil {
		r.edge.prompts.Store(prompts)
		r.edge.sip.SetVoice(voiceConfig(merged))
	}
	r.edge.protection.use(guarding)
	r.edge.meter.SetLimits(spendLimits(merged))
	r.edge.certificates.Set(clientsConfig(merged))
	if r.edge.secured.Set(secured) {
		files = append(files, "certificates of api.listen")
	}
	r.level.SetLevel(level)
	r.edge.restrict.Limit(merged.Routing.MaxOptOuts)
	r.edge.bindings.follow(merged)
	r.edge.desk.follow(merged)
	r.edge.boxes.follow(merged)
	r.running = merged
	return api.Reloaded{Applied: append(changes.Applied, files...), Restart: changes.Restart}, nil
}

// faulty passes on every fault of a file.
func faulty(err error) error {
	var faults configs.Faults
	if !errors.As(err, &faults) {
		return err
	}
	p := &api.Problem{Problem: "the file has faults, nothing of it was applied"}
	for i := range faults {
		p.Faults = append(p.Faults, faults[i].Error())
	}
	return p
}

// sameFile compares what two paths lead to.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
