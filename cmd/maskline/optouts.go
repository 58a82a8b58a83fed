package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"maskline/api"
	"maskline/e164"
	"maskline/numberdb"
)

type optOutsCommand struct {
	List listOptOutsCommand `cmd:"" help:"Show the parties that want no messages, with whole numbers."`
	Lift liftOptOutsCommand `cmd:"" help:"End the opt-outs of a party towards a tenant, because it asked for that."`
}

type listOptOutsCommand struct{ listFlags }

type liftOptOutsCommand struct {
	Party  string `required:"" help:"Number of the party."`
	Tenant string `help:"Whose messages it wants again; without it, the operator's own."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run lists them.
func (cmd *listOptOutsCommand) Run(ctx context.Context, c console) error {
	list := listing[api.OptOut]{
		what: "opt-outs", path: "/optouts", offline: func(o *offline) []api.OptOut { return (&optOuts{o.restrictions}).List() },
		head: "party\ttenant\tfrom\tsince",
		row: func(o *api.OptOut) string {
			return fmt.Sprintf("%s\t%s\t%s\t%s", o.Party, cmp.Or(o.Tenant, "-"), cmp.Or(o.Peer, "*"), o.Since.Format(time.RFC3339))
		},
	}
	return list.show(ctx, c, &cmd.listFlags)
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
		err = withStore(ctx, cfg, c, func(o *offline) (err error) {
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
	number, err := e164.Parse(plainNumber(party))
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
