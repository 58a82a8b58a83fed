package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"maskline/configs"
	"maskline/routing/prefix"
)

type prefixesCommand struct {
	Import prefixesImport `cmd:"" help:"Load prefixes from a CSV file: all of it, or nothing if a row has a fault. They replace those of the carriers that it names."`
	Export prefixesExport `cmd:"" help:"Write all imported prefixes as CSV to standard output."`
	List   prefixesList   `cmd:"" help:"List imported prefixes."`
}

type prefixesImport struct {
	File   string `arg:"" help:"CSV file; its header is carrier,prefix,cost,quality and optionally services and valid_from." type:"existingfile"`
	All    bool   `help:"Replace those of all carriers; a file with a header alone then leaves none."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run hands the file to the running edge, or keeps it for the next one.
func (cmd *prefixesImport) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	return importFile(c, cmd.File, "prefix", "prefixes", func(csv io.Reader) (int, error) {
		edge := findEdge(ctx, string(cfg.DataDir))
		if edge == nil {
			return importPrefixesOffline(ctx, cfg, csv, cmd.All)
		}
		path := "/prefixes"
		if cmd.All {
			path += "?all"
		}
		return edge.upload(ctx, path, csv)
	})
}

type prefixesExport struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run writes what the running edge keeps, or what is kept where none runs.
func (cmd *prefixesExport) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	if err := readPrefixes(ctx, cfg, c.out); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

func readPrefixes(ctx context.Context, cfg *configs.Config, w io.Writer) error {
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		return edge.call(ctx, http.MethodGet, "/prefixes", nil, w)
	}
	return exportPrefixes(ctx, openPrefixes(cfg), w)
}

type prefixesList struct {
	Prefix  string `help:"Only those that begin with these digits."`
	Carrier string `help:"Only those of this carrier."`
	listFlags
}

// prefixRow is one line of the list.
type prefixRow struct {
	Carrier  string    `json:"carrier"`
	Prefix   string    `json:"prefix"`
	Cost     string    `json:"cost"`
	Quality  *int      `json:"quality,omitempty"`
	Services string    `json:"services"`
	From     time.Time `json:"valid_from,omitzero"`
}

// Run lists what export would write.
func (cmd *prefixesList) Run(ctx context.Context, c console) error {
	if cmd.Prefix != "" {
		if _, err := prefix.Parse(cmd.Prefix); err != nil {
			return fmt.Errorf("listing prefixes: prefix: %w", err)
		}
	}
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	var csv bytes.Buffer
	if err := readPrefixes(ctx, cfg, &csv); err != nil {
		return fmt.Errorf("listing prefixes: %w", err)
	}
	table, err := prefix.Import(ctx, &csv, nil)
	if err != nil {
		return fmt.Errorf("listing prefixes: %w", err)
	}
	all := cmd.rows(table)
	return printList(c, cmd.JSON, all, "PREFIX\tCARRIER\tCOST\tQUALITY\tSERVICES\tVALID FROM", func(r *prefixRow) string {
		quality, from := "", ""
		if r.Quality != nil {
			quality = fmt.Sprint(*r.Quality)
		}
		if !r.From.IsZero() {
			from = r.From.Format(time.RFC3339)
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", r.Prefix, r.Carrier, r.Cost, quality, r.Services, from)
	})
}

func (cmd *prefixesList) rows(table *prefix.Table) []prefixRow {
	all, digits := []prefixRow{}, strings.TrimPrefix(cmd.Prefix, "+")
	for i := range table.Rows {
		r := &table.Rows[i]
		row := prefixRow{
			Carrier: table.Carriers[r.Carrier], Prefix: r.Prefix.Reveal(), Cost: prefix.FormatCost(r.Cost),
			Quality: qualityOf(r.Quality), Services: r.Services.String(),
		}
		if r.From > 0 {
			row.From = time.Unix(int64(r.From), 0).UTC()
		}
		if strings.HasPrefix(row.Prefix, digits) && (cmd.Carrier == "" || cmd.Carrier == row.Carrier) {
			all = append(all, row)
		}
	}
	return all
}

// qualityOf is a quality in JSON; nil where none is known.
func qualityOf(quality uint8) *int {
	if quality == prefix.NoQuality {
		return nil
	}
	q := int(quality)
	return &q
}
