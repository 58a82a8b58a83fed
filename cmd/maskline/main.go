// Command maskline is the whole edge in one binary: it serves, checks its
// configuration, moves bindings in and out, and shows itself in a demo.
//
// Each subcommand has a file of its own. edge.go builds and runs the edge from a
// configuration; the convert_*.go files turn the configuration into what each
// package wants.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set at build time.
var version = "dev"

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	exit     func(int) // ends the process at once
}

type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run the edge. SIGTERM drains: new work is refused, what is in flight is finished."`
	Reload   reloadCommand   `cmd:"" help:"Apply the configuration of a running edge again, without dropping a bind or a call."`
	Check    checkCommand    `cmd:"" help:"Validate a configuration and print what is in effect, secrets hidden."`
	Demo     demoCommand     `cmd:"" help:"Run an edge on loopback with simulated carriers and show masked SMS and calls."`
	Migrate  migrateCommand  `cmd:"" help:"Create or upgrade the store's schema."`
	Routes   routesCommand   `cmd:"" help:"Import or export bindings."`
	Prefixes prefixesCommand `cmd:"" help:"Import, export or list the prefixes, costs and qualities of carriers."`
	Numbers  numbersCommand  `cmd:"" help:"Import, export or list masks, or change their state."`
	Pools    poolsCommand    `cmd:"" help:"Make, change, list or delete pools of masks."`
	Sessions sessionsCommand `cmd:"" help:"Connect people by masks, and end that."`
	Keys     keysCommand     `cmd:"" help:"List, make or revoke API keys."`
	Blocks   blocksCommand   `cmd:"" help:"List, add or remove blocks of parties and masks."`
	OptOuts  optOutsCommand  `cmd:"" name:"optouts" help:"List or lift the opt-outs of parties."`
	Audit    auditCommand    `cmd:"" help:"Verify who changed what, or print the end of it."`
	CDR      cdrCommand      `cmd:"" name:"cdr" help:"Read call detail records."`
	Route    routeCommand    `cmd:"" help:"Show what would happen to a message or call, without sending it."`

	Profile profileCommand `cmd:"" help:"Take a profile of a running edge, for go tool pprof."`

	Testbench testbenchCommand `cmd:"" help:"Tools that make traffic."`

	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	os.Exit(run(os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv, os.Exit}))
}

// run is main without the process: it returns the exit code.
func run(args []string, c console) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	exited, code := false, 0
	parser, err := kong.New(&cli,
		kong.Name("maskline"),
		kong.Description("A telephony edge for masked numbers: SMPP, SIP and RTP in one binary."),
		kong.UsageOnError(),
		kong.Vars{"version": version},
		kong.Writers(c.out, c.err),
		kong.Exit(func(status int) { exited, code = true, status }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(c),
	)
	if err != nil {
		fmt.Fprintln(c.err, "maskline:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		parser.FatalIfErrorf(err)
		return max(code, 1)
	}
	err = parsed.Run()
	var quiet *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &quiet):
		return quiet.code
	default:
		fmt.Fprintln(c.err, "maskline:", err)
		return exitCodeOf(err)
	}
}

// exitError ends the command with a code after it has said everything itself.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }
