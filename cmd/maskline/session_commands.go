package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"maskline/api"
)

type sessionsCommand struct {
	Create sessionsCreate `cmd:"" help:"Connect people by masks of a pool."`
	Lease  sessionsLease  `cmd:"" help:"Give out a whole mask that leads everybody to one end."`
	List   sessionsList   `cmd:"" help:"List sessions in the order in which they were made."`
	Show   sessionsShow   `cmd:"" help:"Show a session and which mask each side dials."`
	End    sessionsEnd    `cmd:"" help:"End a session now."`
	Extend sessionsExtend `cmd:"" help:"Let a session live for a time from now."`
	Rotate sessionsRotate `cmd:"" help:"Give the people of a session other masks."`
	Join   sessionsJoin   `cmd:"" help:"Add a person to a group."`
}

// sessionFlags are those of every command that shows a session.
type sessionFlags struct {
	JSON   bool   `name:"json" help:"JSON instead of a table."`
	Reveal bool   `help:"Show whole numbers instead of their last two digits."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

var errNeedsEdge = errors.New("no edge runs on this data_dir; sessions are a running edge's: start it with maskline serve")

// ask puts a question about sessions to the running edge.
func (f *sessionFlags) ask(ctx context.Context, c console, path string, question, answer any) error {
	cfg, err := loadConfig(f.Config, c)
	if err != nil {
		return err
	}
	edge := findEdge(ctx, string(cfg.DataDir))
	if edge == nil {
		return errNeedsEdge
	}
	return edge.post(ctx, path, question, answer)
}

// show writes a session.
func (f *sessionFlags) show(c console, s *api.Session) error {
	if s.Warning != "" {
		fmt.Fprintln(c.err, "maskline:", s.Warning)
	}
	if f.JSON {
		return json.NewEncoder(c.out).Encode(s)
	}
	idle, uses := "", ""
	if s.IdleTTL > 0 {
		idle = s.IdleTTL.String()
	}
	if s.MaxUses > 0 {
		uses = fmt.Sprint(s.MaxUses)
	}
	printFields(c.out, [][2]string{
		{"session", s.ID},
		{"state", s.State},
		{"tenant", s.Tenant},
		{"pool", s.Pool},
		{"shape", s.Shape},
		{"services", s.Services},
		{"created", s.CreatedAt.Format(time.RFC3339)},
		{"expires", s.ExpiresAt.Format(time.RFC3339)},
		{"idle", idle},
		{"max uses", uses},
		{"label", s.Label},
	})
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for i := range s.Participants {
		p := &s.Participants[i]
		dials := p.Dial
		if p.Second != "" {
			dials += " or " + p.Second
		}
		who := cmp.Or(p.Number, "everybody")
		if p.To != "" {
			dials += ", is reached at " + p.To
		}
		if s.Shape == "lease" || s.Shape == "public" {
			who, dials = "everybody", p.Dial+" to reach "+cmp.Or(p.To, p.Number)
		}
		fmt.Fprintf(table, "%s\tdials %s\n", who, dials)
	}
	return table.Flush()
}

type sessionsCreate struct {
	Pool      string        `required:"" help:"Pool of the masks."`
	Party     []string      `required:"" help:"A participant's own number, from the country code on; once for each."`
	Shape     string        `help:"per_side (each has a mask for the other), shared (both the same one), group or public." default:"per_side"`
	TTL       time.Duration `name:"ttl" help:"Life; without it, as the pool says."`
	Idle      time.Duration `help:"End after so long without contact; without it, as the pool says."`
	MaxUses   int           `help:"End after so many messages and calls; without it, as the pool says."`
	Country   []string      `help:"Country of the masks (ISO 3166); once for all, or once for each party."`
	Prefix    []string      `help:"Digits that the masks should begin with, as many as can be had; once for all, or once for each party."`
	Services  string        `help:"sms, voice or sms+voice; without it, both."`
	Selection string        `help:"rotate, prefer-sticky, avoid-sticky or pinned; without it, as the pool says."`
	Label     string        `help:"Your own name for it."`
	Tenant    string        `help:"Whose session; without it, the operator's own."`
	sessionFlags
}

// Run makes it.
func (cmd *sessionsCreate) Run(ctx context.Context, c console) error {
	r := api.SessionRequest{
		Tenant: cmd.Tenant, Pool: cmd.Pool, Shape: cmd.Shape, Services: cmd.Services, TTL: api.Duration(cmd.TTL), IdleTTL: api.Duration(cmd.Idle),
		MaxUses: cmd.MaxUses, Selection: cmd.Selection, Label: cmd.Label, Reveal: cmd.Reveal,
	}
	for i, party := range cmd.Party {
		p := api.Participate{Number: party}
		for _, of := range []struct {
			flag  string
			given []string
			to    *string
		}{{"country", cmd.Country, &p.MaskRegion.Country}, {"prefix", cmd.Prefix, &p.MaskRegion.Prefix}} {
			switch len(of.given) {
			case 0:
			case 1:
				*of.to = of.given[0]
			case len(cmd.Party):
				*of.to = of.given[i]
			default:
				return fmt.Errorf("--%s: expected it once for all, or once for each party", of.flag)
			}
		}
		r.Participants = append(r.Participants, p)
	}
	return cmd.create(ctx, c, &r)
}

func (f *sessionFlags) create(ctx context.Context, c console, r *api.SessionRequest) error {
	var s api.Session
	if err := f.ask(ctx, c, "/sessions", r, &s); err != nil {
		return fmt.Errorf("making a session: %w", err)
	}
	return f.show(c, &s)
}

type sessionsLease struct {
	Pool    string        `required:"" help:"Pool of the mask."`
	To      string        `required:"" help:"Where it leads: tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT]."`
	Number  string        `help:"Of smpp: and sip: the own number from which it answers strangers; without it, it cannot."`
	TTL     time.Duration `name:"ttl" help:"Life; without it, as the pool says."`
	Idle    time.Duration `help:"End after so long without contact; without it, as the pool says."`
	MaxUses int           `help:"End after so many messages and calls; without it, as the pool says."`
	Country string        `help:"Country of the mask (ISO 3166)."`
	Prefix  string        `help:"Digits that the mask should begin with, as many as can be had."`
	// Services of an account are messages alone.
	Services string `help:"sms, voice or sms+voice; without it, sms towards an account and both else."`
	Label    string `help:"Your own name for it."`
	Tenant   string `help:"Whose lease; without it, the operator's own."`
	sessionFlags
}

// Run makes it.
func (cmd *sessionsLease) Run(ctx context.Context, c console) error {
	if cmd.Services == "" && strings.HasPrefix(cmd.To, "smpp:") {
		cmd.Services = "sms"
	}
	return cmd.create(ctx, c, &api.SessionRequest{
		Tenant: cmd.Tenant, Pool: cmd.Pool, Shape: "lease", Services: cmd.Services, TTL: api.Duration(cmd.TTL), IdleTTL: api.Duration(cmd.Idle),
		MaxUses: cmd.MaxUses, Label: cmd.Label, Reveal: cmd.Reveal,
		Participants: []api.Participate{{Number: cmd.Number, To: cmd.To, MaskRegion: api.MaskRegion{Country: cmd.Country, Prefix: cmd.Prefix}}},
	})
}

type sessionsList struct {
	Tenant string `help:"Only those of this tenant."`
	Party  string `help:"Only those with this participant."`
	Live   bool   `help:"Only those that have not ended."`
	Limit  int    `help:"Most to list, up to 10,000." default:"100"`
	After  string `help:"Only those made after this one."`
	sessionFlags
}

// Run lists them.
func (cmd *sessionsList) Run(ctx context.Context, c console) error {
	var list api.SessionList
	q := api.SessionQuery{Tenant: cmd.Tenant, Party: cmd.Party, Live: cmd.Live, Limit: cmd.Limit, After: cmd.After, Reveal: cmd.Reveal}
	if err := cmd.ask(ctx, c, "/sessions/list", q, &list); err != nil {
		return fmt.Errorf("listing sessions: %w", err)
	}
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(list)
	}
	err := printList(c, false, list.Data, "SESSION\tTENANT\tPOOL\tSHAPE\tSTATE\tEXPIRES\tMASKS", func(s *api.Session) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", s.ID, cmp.Or(s.Tenant, "-"), s.Pool, s.Shape, s.State,
			s.ExpiresAt.Format(time.RFC3339), strings.Join(dialled(s), " "))
	})
	if err != nil {
		return err
	}
	if list.Warning != "" {
		fmt.Fprintln(c.err, "maskline:", list.Warning)
	}
	if list.NextCursor != "" {
		fmt.Fprintln(c.err, "there may be more: --after", list.NextCursor)
	}
	return nil
}

// dialled are the people of a session and their masks, the first three.
func dialled(s *api.Session) (list []string) {
	const most = 3
	for i := range s.Participants {
		if i == most {
			return append(list, fmt.Sprintf("and %d more", len(s.Participants)-most))
		}
		p := &s.Participants[i]
		list = append(list, cmp.Or(p.Number, "*")+":"+p.Dial)
	}
	return list
}

type sessionsShow struct {
	ID string `arg:"" name:"id" help:"The session."`
	sessionFlags
}

// Run shows one.
func (cmd *sessionsShow) Run(ctx context.Context, c console) error {
	var list api.SessionList
	if err := cmd.ask(ctx, c, "/sessions/list", api.SessionQuery{ID: cmd.ID, Reveal: cmd.Reveal}, &list); err != nil {
		return fmt.Errorf("showing a session: %w", err)
	}
	if len(list.Data) == 0 {
		return errors.New("showing a session: it cannot be read")
	}
	return cmd.show(c, &list.Data[0])
}

// sessionChangeFlags are those of the commands that change one session.
type sessionChangeFlags struct {
	ID string `arg:"" name:"id" help:"The session."`
	sessionFlags
}

func (f *sessionChangeFlags) change(ctx context.Context, c console, change api.SessionChange) error {
	change.ID, change.Reveal = f.ID, f.Reveal
	var s api.Session
	if err := f.ask(ctx, c, "/sessions/change", change, &s); err != nil {
		return fmt.Errorf("changing a session: %w", err)
	}
	return f.show(c, &s)
}

type sessionsEnd struct {
	Burn bool `help:"Put its masks on the watchlist: nobody gets them until they are released."`
	sessionChangeFlags
}

// Run ends it.
func (cmd *sessionsEnd) Run(ctx context.Context, c console) error {
	return cmd.change(ctx, c, api.SessionChange{Do: map[bool]string{true: "burn", false: "end"}[cmd.Burn]})
}

type sessionsExtend struct {
	TTL time.Duration `required:"" name:"ttl" help:"Its life from now."`
	sessionChangeFlags
}

// Run extends it.
func (cmd *sessionsExtend) Run(ctx context.Context, c console) error {
	return cmd.change(ctx, c, api.SessionChange{Do: "extend", TTL: api.Duration(cmd.TTL)})
}

type sessionsRotate struct{ sessionChangeFlags }

// Run rotates it.
func (cmd *sessionsRotate) Run(ctx context.Context, c console) error {
	return cmd.change(ctx, c, api.SessionChange{Do: "rotate"})
}

type sessionsJoin struct {
	Party string `required:"" help:"The person's own number, from the country code on."`
	sessionChangeFlags
}

// Run adds the person.
func (cmd *sessionsJoin) Run(ctx context.Context, c console) error {
	return cmd.change(ctx, c, api.SessionChange{Do: "join", Join: &api.Participate{Number: cmd.Party}})
}
