package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/api"
	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/routing/prefix"
)

type routeCommand struct {
	From   string `arg:"" help:"Sender or caller; 'none' for a withheld one, a name, or a short code as 44:60123."`
	To     string `arg:"" help:"Dialled number; a short code as 44:60123, after its country's calling code."`
	SMS    bool   `name:"sms" xor:"service" help:"Ask about a message (the default)."`
	Voice  bool   `xor:"service" help:"Ask about a call."`
	Text   string `help:"What the message says, for rules that look at it."`
	Tenant string `help:"Ask as this tenant's account or peer; without it, as a carrier."`
	Reveal bool   `help:"Show the real destination instead of its last two digits."`
	JSON   bool   `name:"json" help:"JSON instead of a table."`
	Config string `required:"" help:"Configuration file." type:"path"`
	numberForm
}

// Run asks the running edge, or the store where none runs.
func (cmd *routeCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	from, to, err := cmd.numbers()
	if err != nil {
		return err
	}
	q := api.Question{From: from, To: to, Service: "sms", Tenant: cmd.Tenant, Text: cmd.Text, Reveal: cmd.Reveal}
	if cmd.Voice {
		q.Service = "voice"
	}
	var answer api.Explanation
	edge := findEdge(ctx, string(cfg.DataDir))
	if edge != nil {
		err = edge.post(ctx, "/route", q, &answer)
	} else {
		answer, err = explainOffline(ctx, cfg, c, q)
	}
	if err != nil {
		return err
	}
	notes := c.out
	if cmd.JSON {
		notes, err = c.err, json.NewEncoder(c.out).Encode(answer)
	} else {
		printExplanation(c.out, answer)
	}
	if edge == nil && len(answer.Carriers) > 0 {
		fmt.Fprintln(notes, "no edge runs on this data_dir: carriers are taken to be up")
	}
	return err
}

// numbers are the sender and the destination from the country code on. A sender
// may be a name, a destination a short string, both a short code: these stay as
// they are.
func (cmd *routeCommand) numbers() (from, to string, err error) {
	from, to = cmd.From, cmd.To
	if !cmd.given() {
		if !strings.ContainsFunc(from, unicode.IsLetter) {
			from = plainNumber(from)
		}
		return from, plainNumber(to), nil
	}
	if err := cmd.check(); err != nil {
		return "", "", err
	}
	if from != "none" && !strings.ContainsFunc(from, unicode.IsLetter) && !strings.Contains(from, ":") {
		n, err := cmd.read(from)
		if err != nil {
			return "", "", fmt.Errorf("from: %w", err)
		}
		from = n.Reveal()
	}
	if len(to) >= e164.MinDigits && !strings.Contains(to, ":") {
		n, err := cmd.read(to)
		if err != nil {
			return "", "", fmt.Errorf("to: %w", err)
		}
		to = n.Reveal()
	}
	return from, to, nil
}

func explainOffline(ctx context.Context, cfg *configs.Config, c console, q api.Question) (answer api.Explanation, err error) {
	err = withStore(ctx, cfg, c, func(o *offline) error {
		r := routingConfig(cfg, o.restrictions)
		if r.Prefixes, err = openPrefixes(cfg).Load(ctx); err != nil {
			return err
		}
		router, err := routing.New(o.bindings.table, r, prometheus.NewRegistry())
		if err != nil {
			return err
		}
		for _, carrier := range router.Carriers() {
			carrier.SetUp(routing.SMS, true)
			carrier.SetUp(routing.Voice, true)
		}
		answer, err = explain(router, o.bindings.table, q)
		return err
	})
	return answer, err
}

// explain answers a question by the router's present state.
func explain(router *routing.Router, table *numberdb.Table, q api.Question) (api.Explanation, error) {
	req := routing.Request{Origin: &routing.Origin{Carrier: "a carrier"}, Now: time.Now()}
	if q.Tenant != "" {
		req.Origin = &routing.Origin{Tenant: q.Tenant}
	}
	switch q.Service {
	case routing.SMS.String():
		req.Service = routing.SMS
	case routing.Voice.String():
		req.Service = routing.Voice
	default:
		return api.Explanation{}, errors.New("service: expected sms or voice")
	}
	if q.From != "none" {
		req.Sender, req.Named = []byte(q.From), strings.ContainsFunc(q.From, unicode.IsLetter)
	}
	if len(req.Sender) > 0 && !req.Named {
		from, err := e164.ParseMask(q.From)
		if err != nil {
			return api.Explanation{}, fmt.Errorf("from: %w", err)
		}
		req.From = from
		if from.IsShortCode() {
			req.Sender = from.AppendDigits(nil)
		}
	}
	if req.Service == routing.SMS {
		req.Text = typed(q.Text)
	}
	if err := dial(&req, q.To); err != nil {
		return api.Explanation{}, err
	}
	x := router.Explain(&req)
	plan := &x.Plan
	answer := api.Explanation{Verdict: plan.Verdict.String(), Binding: bindingOf(plan), Tenant: plan.Tenant}
	if plan.Verdict == routing.Forward || plan.Verdict == routing.NoCarrier {
		answer.Present = plan.Present.Reveal()
		answer.Destination = plan.To.String()
		if q.Reveal {
			answer.Destination = plan.To.Reveal()
		}
	}
	if b, status := table.Lookup(req.To, req.From, req.Now); status.Found() && b.Session != 0 && plan.Tenant == b.Tenant && !plan.Outbound && !plan.Emergency {
		answer.Session = b.Session.Text(numberdb.SessionPrefix)
	}
	switch {
	case plan.Answer.Drop && req.Service == routing.SMS:
		answer.Answer = "accepted and dropped"
	case plan.Answer.Status != 0 && req.Service == routing.SMS:
		answer.Answer = fmt.Sprintf("SMPP 0x%02X to an account", plan.Answer.Status)
	case plan.Answer.Code != 0 && req.Service == routing.Voice:
		answer.Answer = fmt.Sprint("SIP ", plan.Answer.Code)
	}
	for _, said := range x.Rules {
		answer.Rules = append(answer.Rules, api.Said{Rule: said.Rule, Said: said.What})
	}
	for _, j := range x.Carriers {
		answer.Carriers = append(answer.Carriers, candidateOf(&j, plan, q.Reveal))
	}
	return answer, nil
}

// dial reads the destination: digits as they are dialled, or a short code with its
// country's calling code before it.
func dial(req *routing.Request, to string) error {
	if _, digits, short := strings.Cut(to, ":"); short {
		code, err := e164.ParseMask(to)
		if err != nil {
			return fmt.Errorf("to: %w", err)
		}
		req.Dialled, req.To = []byte(digits), code
		return nil
	}
	if digits := strings.TrimPrefix(to, "+"); digits == "" || strings.Trim(digits, "0123456789") != "" {
		return errors.New("to: expected digits, with or without a leading +")
	}
	req.Dialled = []byte(to)
	req.To, _ = e164.Parse(to) // emergency strings are no numbers
	return nil
}

// candidateOf tells of a carrier what it would do, and at what price.
func candidateOf(j *routing.Judgement, plan *routing.Plan, reveal bool) api.Candidate {
	c := api.Candidate{Place: j.Place, Carrier: j.Carrier.Name, Why: j.Fitness.String()}
	if j.Place > 0 && j.Present != plan.Present {
		c.Present = j.Present.Reveal()
	}
	if !j.HasOffer {
		return c
	}
	digits := prefix.Of(plan.To.Number, int(j.Offer.Length))
	c.Prefix, c.Quality = digits.String(), qualityOf(j.Offer.Quality)
	if reveal {
		c.Prefix = digits.Reveal()
	}
	if j.Offer.Cost > 0 {
		c.Cost = prefix.FormatCost(j.Offer.Cost)
	}
	return c
}

// typed is a text that somebody asks about.
type typed string

// Octets is its length in UTF-8, which is no less than its characters.
func (t typed) Octets() int { return len(t) }

// AppendText gives it whole.
func (t typed) AppendText(dst []byte, _ int) []byte { return append(dst, t...) }

func bindingOf(plan *routing.Plan) string {
	switch {
	case plan.Emergency:
		return "emergency: unmasked, to the emergency trunk"
	case plan.To.Kind == 0:
		return ""
	case plan.Outbound:
		return "the tenant's own mask, outbound"
	case plan.Public:
		return "public"
	default:
		return "of this party"
	}
}

// termsOf is what a candidate asks and shows, as a list that follows why.
func termsOf(c *api.Candidate) string {
	text := ""
	add := func(what, value string) {
		if value != "" {
			text += ", " + what + " " + value
		}
	}
	add("prefix", c.Prefix)
	add("cost", c.Cost)
	if c.Quality != nil {
		add("quality", fmt.Sprint(*c.Quality))
	}
	add("presented as", c.Present)
	return text
}

func printExplanation(w io.Writer, a api.Explanation) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"verdict", a.Verdict},
		{"binding", a.Binding},
		{"session", a.Session},
		{"tenant", a.Tenant},
		{"presented as", a.Present},
		{"destination", a.Destination},
		{"answer", a.Answer},
	} {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, c := range a.Carriers {
		place := "-"
		if c.Place > 0 {
			place = fmt.Sprint(c.Place)
		}
		fmt.Fprintf(table, "carrier %s\t%s\t%s\n", place, c.Carrier, c.Why+termsOf(&c))
	}
	_ = table.Flush()
	for _, r := range a.Rules {
		fmt.Fprintf(table, "rule %s\t%s\n", r.Rule, r.Said)
	}
	_ = table.Flush()
}
