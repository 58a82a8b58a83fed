package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"maskline/numberdb/postgres"
	"maskline/numberdb/sqlite"
	"maskline/seal"
	"maskline/testbench/sessionload"
)

// testbenchSessions is the command line of the load of sessions.
type testbenchSessions struct {
	Sessions int    `help:"Sessions that live at once, of two people each." default:"100000"`
	Masks    int    `help:"Masks that they share." default:"2000"`
	People   int    `help:"People that take part; 0: as many as sessions." default:"0"`
	Clients  int    `help:"Requests at a time." default:"64"`
	Store    string `help:"sqlite, in a file that is removed afterwards, or the URL of an empty Postgres database, which is left full under a key that is thrown away." default:"sqlite" placeholder:"sqlite|URL"`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
}

// Run makes the sessions, reports, and fails if a person has a mask twice or
// anything that was answered is not in the store.
func (cmd *testbenchSessions) Run(ctx context.Context, c console) (err error) {
	dir, err := os.MkdirTemp("", "maskline-testbench-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	key := seal.Generate()
	var store interface {
		sessionload.Store
		Close() error
	}
	if cmd.Store == "sqlite" {
		store, err = sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: key.Wrapper()})
	} else {
		store, err = postgres.Open(postgres.Config{URL: cmd.Store, Keys: key.Wrapper()})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	report, err := sessionload.Run(ctx, sessionload.Config{Sessions: cmd.Sessions, Masks: cmd.Masks, People: cmd.People, Clients: cmd.Clients}, store)
	if err != nil {
		return fmt.Errorf("running the load: %w", err)
	}
	return tell(c, report, cmd.JSON)
}
