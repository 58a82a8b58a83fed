package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"maskline/api"
	"maskline/e164"
	"maskline/numberdb"
)

type optOutsCommand struct {
	List listOptOutsCommand `cmd:"" help:"Show the parties that want no messages, with whole numbers."`
	Lift liftOptOutsCommand `cmd:"" help:"End the opt-outs of a party towards a tenant, because it asked for that."`
}

type listOptOutsCommand struct {
	JSON   bool   `name:"json" help:"One JSON array instead of a table."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

type liftOptOutsCommand struct {
	Party  string `required:"" help:"Number of the party."`
	Tenant string `help:"Whose messages it wants again; without it, the operator's own."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run lists what the running edge decides by, or what the store holds.
func (cmd *listOptOutsCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	all := []api.OptOut{}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		var body bytes.Buffer
		if err = edge.call(ctx, http.MethodGet, "/optouts", nil, &body); err == nil {
			err = json.Unmarshal(body.Bytes(), &all)
		}
	} else {
		err = withStore(ctx, cfg, func(o *offline) error { all = (&optOuts{o.restrictions}).List(); return nil })
	}
	if err != nil {
		return fmt.Errorf("listing opt-outs: %w", err)
	}
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(all)
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "party\ttenant\tfrom\tsince")
	for _, o := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", o.Party, cmp.Or(o.Tenant, "-"), cmp.Or(o.Peer, "*"), o.Since.Format(time.RFC3339))
	}
	return table.Flush()
}

// Run lifts them.
func (cmd *liftOptOutsCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	q := api.LiftOptOuts{Party: cmd.Party, Tenant: cmd.Tenant}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.post(ctx, "/optouts/lift", q, &q)
	} else {
		err = withStore(ctx, cfg, func(o *offline) (err error) {
			q.Lifted, err = (&optOuts{o.restrictions}).Lift(ctx, q.Party, q.Tenant)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("lifting opt-outs: %w", err)
	}
	fmt.Fprintf(c.out, "lifted %d opt-outs\n", q.Lifted)
	return nil
}

// optOuts are the opt-outs among the restrictions, in the words of the API.
type optOuts struct{ list *numberdb.Restrictions }

// List gives all of them, in the order of party, tenant and peer.
func (o *optOuts) List() []api.OptOut {
	all := []api.OptOut{}
	o.list.Each(func(r numberdb.Restriction) bool {
		if r.Kind == numberdb.OptOut {
			all = append(all, api.OptOut{Tenant: r.Tenant, Party: r.Party.Reveal(), Peer: r.Peer.Reveal(), Since: r.Since})
		}
		return true
	})
	slices.SortFunc(all, func(x, y api.OptOut) int {
		return cmp.Or(cmp.Compare(x.Party, y.Party), cmp.Compare(x.Tenant, y.Tenant), cmp.Compare(x.Peer, y.Peer))
	})
	return all
}

// Lift stores the end of a party's opt-outs towards a tenant.
func (o *optOuts) Lift(ctx context.Context, party, tenant string) (int, error) {
	number, err := e164.Parse(party)
	if err != nil {
		return 0, fmt.Errorf("party: %w", err)
	}
	var changes []numberdb.RestrictionChange
	o.list.Each(func(r numberdb.Restriction) bool {
		if r.Kind == numberdb.OptOut && r.Party == number.Canonical() && r.Tenant == tenant {
			r.Since = time.Now().UTC().Truncate(time.Microsecond)
			changes = append(changes, numberdb.RestrictionChange{Restriction: r, Lifted: true})
		}
		return true
	})
	if len(changes) == 0 {
		return 0, errors.New("the party has not opted out there")
	}
	return len(changes), o.list.Apply(ctx, changes)
}
