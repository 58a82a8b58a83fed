package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"maskline/api"
	"maskline/numberdb"
)

type poolsCommand struct {
	Create poolsCreate `cmd:"" help:"Make a pool."`
	Set    poolsSet    `cmd:"" help:"Change of a pool's policy what the flags name."`
	List   poolsList   `cmd:"" help:"List pools."`
	Show   poolsShow   `cmd:"" help:"Show a pool's policy, its masks by state and how near to exhaustion it is."`
	Delete poolsDelete `cmd:"" help:"Delete a pool without masks."`
}

// poolFlags are a pool's policy; what is not given stays.
type poolFlags struct {
	Name       string         `arg:"" help:"The pool."`
	Tenant     *string        `help:"Who alone may use it; empty: every tenant."`
	Selection  *string        `help:"How a mask is chosen for people who met before: rotate, prefer-sticky, avoid-sticky or pinned."`
	Quarantine *time.Duration `help:"Rest of a mask before the same party meets it again; 0: as lifecycle says."`
	Parties    *int           `help:"Most parties with one mask at a time; 0: as lifecycle says."`
	TTL        *time.Duration `name:"ttl" help:"Life of a session that names none; 0: as lifecycle says."`
	MinTTL     *time.Duration `name:"min-ttl" help:"Shortest life that a session may ask for."`
	MaxTTL     *time.Duration `name:"max-ttl" help:"Longest life of a session, extensions included; 0: as lifecycle says."`
	Idle       *time.Duration `help:"A session without contact ends after this; 0: never."`
	MaxUses    *int           `help:"A session ends after so many messages and calls; 0: no limit."`
	Second     *bool          `negatable:"" help:"Each side also gets a mask that another carrier hosts."`
	Config     string         `required:"" help:"Configuration file." type:"path"`
}

type (
	poolsCreate struct{ poolFlags }
	poolsSet    struct{ poolFlags }
)

// Run makes a pool.
func (cmd *poolsCreate) Run(ctx context.Context, c console) error { return cmd.set(ctx, c, true) }

// Run changes a pool.
func (cmd *poolsSet) Run(ctx context.Context, c console) error { return cmd.set(ctx, c, false) }

func (f *poolFlags) set(ctx context.Context, c console, isNew bool) error {
	cfg, err := loadConfig(f.Config, c)
	if err != nil {
		return err
	}
	change := api.PoolChange{
		Name: f.Name, New: isNew, Tenant: f.Tenant, Selection: f.Selection, Quarantine: (*api.Duration)(f.Quarantine), Parties: f.Parties,
		TTL: (*api.Duration)(f.TTL), MinTTL: (*api.Duration)(f.MinTTL), MaxTTL: (*api.Duration)(f.MaxTTL), IdleTTL: (*api.Duration)(f.Idle),
		MaxUses: f.MaxUses, Second: f.Second,
	}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.post(ctx, "/pools", change, new(api.Pool))
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) error {
			_, err := poolDesk{o.inventory}.SetPool(ctx, change)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("changing pools: %w", err)
	}
	fmt.Fprintf(c.out, "pool %s is %s\n", f.Name, map[bool]string{true: "made", false: "changed"}[isNew])
	return nil
}

type poolsDelete struct {
	Name   string `arg:"" help:"The pool."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run deletes it.
func (cmd *poolsDelete) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.post(ctx, "/pools/delete", api.PoolName{Name: cmd.Name}, new(api.PoolName))
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) error { return poolDesk{o.inventory}.RemovePool(ctx, cmd.Name) })
	}
	if err != nil {
		return fmt.Errorf("deleting a pool: %w", err)
	}
	fmt.Fprintf(c.out, "pool %s is deleted\n", cmd.Name)
	return nil
}

func fetchPools(ctx context.Context, c console, config string) (all []api.Pool, err error) {
	cfg, err := loadConfig(config, c)
	if err != nil {
		return nil, err
	}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.readJSON(ctx, "/pools", &all)
		return all, err
	}
	err = withStore(ctx, cfg, c, func(o *offline) (err error) {
		all, err = poolDesk{o.inventory}.Pools(ctx)
		return err
	})
	return all, err
}

type poolsList struct{ listFlags }

// Run lists them.
func (cmd *poolsList) Run(ctx context.Context, c console) error {
	all, err := fetchPools(ctx, c, cmd.Config)
	if err != nil {
		return fmt.Errorf("listing pools: %w", err)
	}
	return printList(c, cmd.JSON, all, "POOL\tTENANT\tSELECTION\tMASKS\tFREE\tPARTIES\tMOST ON ONE\tDAYS LEFT", func(p *api.Pool) string {
		total, live, most, days := 0, "-", "-", "-"
		for _, n := range p.Masks {
			total += n
		}
		if h := p.Health; h != nil {
			live, most, days = fmt.Sprint(h.Live), fmt.Sprint(h.LoadMax), daysOf(h)
		}
		return fmt.Sprintf("%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s", p.Name, cmp.Or(p.Tenant, "-"), p.Selection, total,
			p.Masks[numberdb.Free.String()], live, most, days)
	})
}

func daysOf(h *api.PoolHealth) string {
	if h.Days == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *h.Days)
}

type poolsShow struct {
	Name string `arg:"" help:"The pool."`
	listFlags
}

// Run shows one.
func (cmd *poolsShow) Run(ctx context.Context, c console) error {
	all, err := fetchPools(ctx, c, cmd.Config)
	if err == nil && !slices.ContainsFunc(all, func(p api.Pool) bool { return p.Name == cmd.Name }) {
		err = noPool(cmd.Name)
	}
	if err != nil {
		return fmt.Errorf("showing a pool: %w", err)
	}
	p := &all[slices.IndexFunc(all, func(p api.Pool) bool { return p.Name == cmd.Name })]
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(p)
	}
	rows := [][2]string{
		{"pool", p.Name},
		{"tenant", cmp.Or(p.Tenant, "every one")},
		{"selection", p.Selection},
		{"quarantine", orLifecycle(p.Quarantine)},
		{"parties per mask", orWord(p.Parties, "as lifecycle says")},
		{"ttl", orLifecycle(p.TTL)},
		{"min ttl", p.MinTTL.String()},
		{"max ttl", orLifecycle(p.MaxTTL)},
		{"idle", map[bool]string{true: "never ends", false: p.IdleTTL.String()}[p.IdleTTL == 0]},
		{"max uses", orWord(p.MaxUses, "no limit")},
		{"second mask", fmt.Sprint(p.Second)},
		{"masks", countsOf(p.Masks)},
	}
	if h := p.Health; h != nil {
		rows = append(rows, [][2]string{
			{"parties", fmt.Sprintf("%d now, %d masks rest for theirs, %d masks are open to everybody", h.Live, h.Kept, h.Public)},
			{"on one mask", fmt.Sprintf("least %d, mean %.2f, most %d", h.LoadMin, h.LoadAvg, h.LoadMax)},
			{"need this hour", fmt.Sprintf("%.0f masks", h.Need)},
			{"days left", map[bool]string{true: "not by the present trend, or not known", false: daysOf(h)}[h.Days == nil]},
			{"reuse distance", map[bool]string{true: "not known yet", false: h.Reuse.String()}[h.Reuse == 0]},
			{"exhausted", countsOf(h.Exhausted)},
		}...)
	}
	printFields(c.out, rows)
	if p.Health == nil {
		fmt.Fprintln(c.out, "no edge runs on this data_dir: load and forecast are a running edge's to tell")
	}
	return nil
}

func orLifecycle(d api.Duration) string {
	if d == 0 {
		return "as lifecycle says"
	}
	return d.String()
}

func orWord(n int, zero string) string {
	if n == 0 {
		return zero
	}
	return fmt.Sprint(n)
}

// countsOf lists counts by their names.
func countsOf(counts map[string]int) string {
	words := []string{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[name], name))
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}
