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

type blocksCommand struct {
	List   listBlocksCommand  `cmd:"" help:"Show all blocks, with whole numbers."`
	Add    addBlockCommand    `cmd:"" help:"Keep a party, a mask or a party at a mask from being in contact."`
	Remove removeBlockCommand `cmd:"" help:"Remove a block that was added with the same flags."`
}

type blockFlags struct {
	Party  string `help:"Number of the party; without it, every party at the mask."`
	Mask   string `help:"The mask, a short code as 44:60123; without it, every mask."`
	Tenant string `help:"Only for this tenant's masks; without it, for all."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

type (
	addBlockCommand    struct{ blockFlags }
	removeBlockCommand struct{ blockFlags }
	listBlocksCommand  struct{ listFlags }
)

// Run adds the block.
func (cmd *addBlockCommand) Run(ctx context.Context, c console) error {
	return cmd.change(ctx, c, false)
}

// Run removes the block.
func (cmd *removeBlockCommand) Run(ctx context.Context, c console) error {
	return cmd.change(ctx, c, true)
}

func (f *blockFlags) change(ctx context.Context, c console, remove bool) error {
	cfg, err := loadConfig(f.Config, c)
	if err != nil {
		return err
	}
	change := api.BlockChange{Block: api.Block{Tenant: f.Tenant, Mask: f.Mask, Party: f.Party}, Remove: remove}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.post(ctx, "/blocks", change, new(api.BlockChange))
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) error { return o.blocks.Change(ctx, change) })
	}
	if err != nil {
		return fmt.Errorf("changing blocks: %w", err)
	}
	fmt.Fprintln(c.out, map[bool]string{false: "blocked", true: "no longer blocked"}[remove])
	return nil
}

// Run lists them.
func (cmd *listBlocksCommand) Run(ctx context.Context, c console) error {
	list := listing[api.Block]{
		what: "blocks", path: "/blocks", offline: func(o *offline) []api.Block { return o.blocks.List() },
		head: "party\tmask\ttenant\tsince",
		row: func(b *api.Block) string {
			return fmt.Sprintf("%s\t%s\t%s\t%s", cmp.Or(b.Party, "*"), cmp.Or(b.Mask, "*"), cmp.Or(b.Tenant, "*"), b.Since.Format(time.RFC3339))
		},
	}
	return list.show(ctx, c, &cmd.listFlags)
}

// blocks are the blocks among the restrictions, in the words of the API.
type blocks struct {
	list      *numberdb.Restrictions
	hasTenant func(string) bool
}

// List gives all of them, in the order of party, mask and tenant.
func (b *blocks) List() []api.Block {
	all := []api.Block{}
	b.list.Each(func(r numberdb.Restriction) bool {
		if r.Kind == numberdb.Block {
			all = append(all, api.Block{Tenant: r.Tenant, Mask: r.Mask.Reveal(), Party: r.Party.Reveal(), Since: r.Since})
		}
		return true
	})
	slices.SortFunc(all, func(x, y api.Block) int {
		return cmp.Or(cmp.Compare(x.Party, y.Party), cmp.Compare(x.Mask, y.Mask), cmp.Compare(x.Tenant, y.Tenant))
	})
	return all
}

// Change stores a change.
func (b *blocks) Change(ctx context.Context, c api.BlockChange) error {
	r := numberdb.Restriction{Kind: numberdb.Block, Tenant: c.Tenant, Since: time.Now().UTC().Truncate(time.Microsecond)}
	var err error
	if c.Party != "" {
		if r.Party, err = e164.Parse(plainNumber(c.Party)); err != nil {
			return fmt.Errorf("party: %w", err)
		}
	}
	if c.Mask != "" {
		if r.Mask, err = e164.ParseMask(plainNumber(c.Mask)); err != nil {
			return fmt.Errorf("mask: %w", err)
		}
	}
	if c.Tenant != "" && !c.Remove && !b.hasTenant(c.Tenant) {
		return errors.New("tenant: expected one that is configured")
	}
	if c.Remove && !b.stands(&r) {
		return errors.New("there is no such block")
	}
	return b.list.Apply(ctx, []numberdb.RestrictionChange{{Restriction: r, Lifted: c.Remove}})
}

func (b *blocks) stands(r *numberdb.Restriction) (found bool) {
	b.list.Each(func(other numberdb.Restriction) bool {
		found = other.Kind == r.Kind && other.Tenant == r.Tenant &&
			other.Mask == r.Mask.Canonical() && other.Party == r.Party.Canonical()
		return !found
	})
	return found
}
