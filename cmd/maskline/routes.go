package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"maskline/api"
	"maskline/configs"
	"maskline/numberdb"
)

type routesCommand struct {
	Import importCommand `cmd:"" help:"Load bindings from a CSV file: all of it, or nothing if a row has a fault."`
	Export exportCommand `cmd:"" help:"Write all bindings but those of sessions as CSV to standard output."`
}

type importCommand struct {
	File   string `arg:"" help:"CSV file; its header is mask,party,to,present,services,carriers,expires_at and optionally tenant." type:"existingfile"`
	Config string `required:"" help:"Configuration file." type:"path"`
	numberForm
}

// Run hands the file to the running edge, or to the store where none runs.
func (cmd *importCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	if err := cmd.check(); err != nil {
		return err
	}
	file, err := os.Open(cmd.File)
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	defer func() { _ = file.Close() }()
	body, finish := withProgress(file, c.err, "reading bindings")
	rows, err := importBindings(ctx, cfg, cmd.rewrite(body))
	finish()
	var faults *numberdb.Faults
	switch {
	case errors.As(err, &faults):
		return fmt.Errorf("the file has faults, nothing of it was applied\n%w", faults)
	case err != nil:
		return fmt.Errorf("importing: %w", err)
	}
	if rows == 1 {
		fmt.Fprintln(c.out, "imported 1 binding")
		return nil
	}
	fmt.Fprintf(c.out, "imported %d bindings\n", rows)
	return nil
}

func importBindings(ctx context.Context, cfg *configs.Config, csv io.Reader) (int, error) {
	edge := findEdge(ctx, string(cfg.DataDir))
	if edge == nil {
		rows := 0
		err := withStore(ctx, cfg, func(o *offline) (err error) {
			rows, err = o.bindings.Import(ctx, csv)
			return err
		})
		return rows, err
	}
	return edge.upload(ctx, "/bindings", csv)
}

type exportCommand struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run writes what the running edge routes by, or what the store holds.
func (cmd *exportCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	ofSessions := 0
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		var after http.Header
		if after, err = edge.exchange(ctx, api.AnswerTimeout, http.MethodGet, "/bindings", nil, c.out); err == nil {
			ofSessions, err = strconv.Atoi(after.Get(api.OfSessions))
		}
	} else {
		err = withStore(ctx, cfg, func(o *offline) (err error) {
			ofSessions, err = o.bindings.Export(ctx, c.out)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	if ofSessions > 0 {
		fmt.Fprintf(c.err, "left out: %d of sessions, which sessions list shows\n", ofSessions)
	}
	return nil
}

// withProgress shows on a terminal how much of the file has been read.
func withProgress(file *os.File, w io.Writer, doing string) (body io.Reader, finish func()) {
	info, err := file.Stat()
	screen, isFile := w.(*os.File)
	if err != nil || !isFile || !term.IsTerminal(int(screen.Fd())) {
		return file, func() {}
	}
	bar := progressbar.NewOptions64(info.Size(),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	reader := progressbar.NewReader(file, bar)
	return &reader, func() { _ = bar.Finish() }
}
