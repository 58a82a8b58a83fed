package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"maskline/api"
	"maskline/numberdb"
)

type numbersCommand struct {
	Import    numbersImport    `cmd:"" help:"Load masks from a CSV file: all of it, or nothing if a row has a fault."`
	Export    numbersExport    `cmd:"" help:"Write all masks as CSV to standard output."`
	List      numbersList      `cmd:"" help:"List masks, with how many parties each has now."`
	Show      numbersShow      `cmd:"" help:"Show a mask and its history."`
	Drain     numbersDrain     `cmd:"" help:"Give masks to nobody new; what stands ends by itself."`
	Release   numbersRelease   `cmd:"" help:"Let masks be given out again."`
	Watchlist numbersWatchlist `cmd:"" help:"Keep suspicious masks back until they are released."`
	Retire    numbersRetire    `cmd:"" help:"Give masks up; what stands ends by itself."`
}

type numbersImport struct {
	File   string `arg:"" help:"CSV file; its header is number,pool,kind,country,region,services,carrier,presents,cost,flags,state, of which only number is required." type:"existingfile"`
	Pool   string `help:"Pool of the rows that name none."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run hands the file to the running edge, or to the store where none runs.
func (cmd *numbersImport) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	return importFile(c, cmd.File, "mask", "masks", func(csv io.Reader) (rows int, err error) {
		if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
			return edge.upload(ctx, "/numbers?pool="+url.QueryEscape(cmd.Pool), csv)
		}
		err = withStore(ctx, cfg, c, func(o *offline) (err error) {
			rows, err = o.inventory.Import(ctx, csv, cmd.Pool)
			return err
		})
		return rows, err
	})
}

type numbersExport struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run writes what the running edge has, or what the store holds.
func (cmd *numbersExport) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.call(ctx, http.MethodGet, "/numbers", nil, c.out)
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) error { return o.inventory.Export(ctx, c.out) })
	}
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

type numbersList struct {
	Pool    string `help:"Only those of this pool."`
	State   string `help:"Only those in this state: free, held, quarantined, watchlisted, draining or retired."`
	Country string `help:"Only those of this country (ISO 3166, such as GB)."`
	listFlags
}

// Run lists them.
func (cmd *numbersList) Run(ctx context.Context, c console) error {
	all, err := fetchNumbers(ctx, c, cmd.Config, api.NumberQuery{Pool: cmd.Pool, State: cmd.State, Country: cmd.Country})
	if err != nil {
		return fmt.Errorf("listing numbers: %w", err)
	}
	return printList(c, cmd.JSON, all, "NUMBER\tPOOL\tKIND\tCOUNTRY\tSERVICES\tCARRIER\tSTATE\tPARTIES", func(n *api.Number) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d", n.Number, cmp.Or(n.Pool, "-"), n.Kind, cmp.Or(n.Country, "-"),
			n.Services, cmp.Or(n.Carrier, "-"), n.State, n.Parties)
	})
}

func fetchNumbers(ctx context.Context, c console, config string, q api.NumberQuery) (all []api.Number, err error) {
	cfg, err := loadConfig(config, c)
	if err != nil {
		return nil, err
	}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.post(ctx, "/numbers/list", q, &all)
		return all, err
	}
	err = withStore(ctx, cfg, c, func(o *offline) (err error) {
		all, err = o.inventory.List(ctx, q)
		return err
	})
	return all, err
}

type numbersShow struct {
	Number string `arg:"" help:"The mask; a short code as 44:60123."`
	listFlags
}

// Run shows one.
func (cmd *numbersShow) Run(ctx context.Context, c console) error {
	all, err := fetchNumbers(ctx, c, cmd.Config, api.NumberQuery{Number: cmd.Number})
	if err != nil {
		return fmt.Errorf("showing a number: %w", err)
	}
	n := &all[0]
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(n)
	}
	printFields(c.out, [][2]string{
		{"number", n.Number},
		{"pool", n.Pool},
		{"kind", n.Kind},
		{"country", n.Country},
		{"region", n.Region},
		{"services", n.Services},
		{"carrier", n.Carrier},
		{"presents", strings.Join(n.Presents, ", ")},
		{"cost", n.Cost},
		{"flags", strings.Join(n.Flags, ", ")},
		{"state", n.State + " since " + n.Since.Format(time.RFC3339)},
		{"parties", fmt.Sprint(n.Parties)},
	})
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, e := range n.History {
		fmt.Fprintf(table, "%s\t%s\tby %s\t%s\n", e.At.UTC().Format(time.RFC3339), e.State, e.Actor, e.Why)
	}
	return table.Flush()
}

// printFields writes names and what is not empty beside them.
func printFields(w io.Writer, rows [][2]string) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	_ = table.Flush()
}

// numberStateFlags are those of the commands that change states.
type numberStateFlags struct {
	Numbers []string `arg:"" help:"The masks, all or none of which are changed."`
	Why     string   `help:"Reason for the history, without numbers."`
	Config  string   `required:"" help:"Configuration file." type:"path"`
}

type (
	numbersDrain     struct{ numberStateFlags }
	numbersRelease   struct{ numberStateFlags }
	numbersWatchlist struct{ numberStateFlags }
	numbersRetire    struct{ numberStateFlags }
)

// Run drains.
func (cmd *numbersDrain) Run(ctx context.Context, c console) error {
	return cmd.set(ctx, c, numberdb.Draining)
}

// Run releases.
func (cmd *numbersRelease) Run(ctx context.Context, c console) error {
	return cmd.set(ctx, c, numberdb.Free)
}

// Run puts on the watchlist.
func (cmd *numbersWatchlist) Run(ctx context.Context, c console) error {
	return cmd.set(ctx, c, numberdb.Watchlisted)
}

// Run retires.
func (cmd *numbersRetire) Run(ctx context.Context, c console) error {
	return cmd.set(ctx, c, numberdb.Retired)
}

func (f *numberStateFlags) set(ctx context.Context, c console, state numberdb.MaskState) error {
	cfg, err := loadConfig(f.Config, c)
	if err != nil {
		return err
	}
	s := api.NumberStates{Numbers: f.Numbers, State: state.String(), Why: f.Why}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		var done api.NumberStates
		err = edge.post(ctx, "/numbers/state", s, &done)
		s.Changed = done.Changed
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) (err error) {
			s.Changed, err = o.inventory.SetState(ctx, s)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("changing numbers: %w", err)
	}
	fmt.Fprintf(c.out, "%d of %d changed, all are %s\n", s.Changed, len(f.Numbers), state)
	return nil
}
