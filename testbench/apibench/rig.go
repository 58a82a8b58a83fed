package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"maskline/testbench/pgtest"
	"maskline/testbench/process"
)

// rig is an edge with a pool of masks.
type rig struct {
	config
	dir    string
	server *pgtest.Server // nil: SQLite
	edge   *process.Edge
	admin  string // key of the operator
}

const (
	masks    = 2_000
	patience = 10 * time.Second

	// Numbers one after another look like abuse, and are what a load has.
	edgeText = `node: bench
data_dir: ./data
database: {url: "%s"}
lifecycle: {parties_per_mask: 0}
api: {listen: "127.0.0.1:0", abuse: {sequential: 0}}
smpp: {listen: [{addr: "127.0.0.1:0"}]}
%s`
)

// newRig starts an edge; more is added to its configuration.
func newRig(ctx context.Context, c config, more string) (r *rig, err error) {
	r = &rig{config: c}
	if r.dir, err = os.MkdirTemp("", "apibench-"); err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	if err := r.start(ctx, more); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) start(ctx context.Context, more string) (err error) {
	binary, err := process.Binary(ctx, r.dir)
	if err != nil {
		return err
	}
	url := ""
	if !r.embedded {
		if r.server, err = pgtest.Start(ctx, pgtest.Durable()...); err != nil {
			return err
		}
		if err := r.server.CreateDatabase(ctx, "bench"); err != nil {
			return err
		}
		url = r.server.URL("bench")
	}
	if r.edge, err = process.Start(ctx, process.Config{Binary: binary, Dir: r.dir, Text: fmt.Sprintf(edgeText, url, more)}); err != nil {
		return err
	}
	return r.stock(ctx)
}

// stock makes a pool with masks by the operator's key, as soon as the edge has made
// that.
func (r *rig) stock(ctx context.Context) (err error) {
	for began := time.Now(); r.admin == ""; {
		if time.Since(began) > patience {
			return errors.New("there is no admin.key")
		}
		pause(ctx, 10*time.Millisecond)
		text, _ := os.ReadFile(filepath.Join(r.dir, "data", "admin.key")) // not yet
		r.admin = strings.TrimSpace(string(text))
	}
	c, err := r.dial(ctx, r.admin)
	if err != nil {
		return err
	}
	defer c.close()
	for began := time.Now(); ; pause(ctx, 10*time.Millisecond) { // until the key is known
		if _, err = c.ask(http.MethodPost, "/v1/pools", `{"name":"bench","quarantine":3600}`, ""); err == nil || time.Since(began) > patience {
			break
		}
	}
	if err != nil {
		return err
	}
	list := make([]string, masks)
	for i := range list {
		list[i] = fmt.Sprintf(`{"number":"+4420%08d"}`, i)
	}
	_, err = c.ask(http.MethodPost, "/v1/numbers", `{"pool":"bench","numbers":[`+strings.Join(list, ",")+`]}`, "")
	return err
}

// close ends all that was started.
func (r *rig) close() (err error) {
	if r.edge != nil {
		err = r.edge.Kill()
	}
	if r.server != nil {
		err = errors.Join(err, r.server.Stop())
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// cpu is what the edge has used so far.
func (r *rig) cpu() (time.Duration, error) {
	u, err := r.edge.Usage()
	return u.CPU, err
}

// pause waits, or less where ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
