package rest

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

// NumberDesk keeps the masks. Its errors are *problem.Error; actor stands in the
// history of what is changed.
type NumberDesk interface {
	// Masks gives those that the query asks for in the order of their numbers.
	Masks(ctx context.Context, q api.NumberQuery) ([]numberdb.Mask, error)
	// History is what became of a mask, newest first.
	History(ctx context.Context, mask e164.Number) ([]numberdb.MaskEvent, error)
	// Import adds or changes the masks of a CSV, all of them or *numberdb.Faults.
	Import(ctx context.Context, file io.Reader, pool, actor string) (int, error)
	// SetState changes states, all or none, and returns how many it has changed.
	SetState(ctx context.Context, s api.NumberStates, actor string) (int, error)
}

// Numbers is the resource /v1/numbers, the operator's masks.
type Numbers struct{ Desk NumberDesk }

// Register adds the operations.
func (n *Numbers) Register(to huma.API) {
	at := func(id, method, path, summary string, scope auth.Scope, problems ...problem.Code) Operation {
		return Operation{
			ID: id, Method: method, Path: "/v1/numbers" + path, Summary: summary, Tag: "numbers", Scope: scope, Operator: true, Problems: problems,
		}
	}
	Register(to, at("listNumbers", http.MethodGet, "", "List masks in the order of their numbers", auth.NumbersRead, problem.NotFound), n.list)
	importing := at("importNumbers", http.MethodPost, "", "Add masks, or change those that are known", auth.NumbersWrite)
	importing.Text = "All of them, or none. A mask's every attribute is set, also one that is not named; the state of a known one stays where none is named."
	Register(to, importing, n.importing)
	Register(to, at("getNumber", http.MethodGet, "/{number}", "Read a mask and its history", auth.NumbersRead), n.get)
	states := at("setNumberStates", http.MethodPost, "/states", "Drain, release, watchlist or retire masks", auth.NumbersWrite,
		problem.CapabilityUnavailable, problem.NotFound)
	states.Text = "All of them, or none. What stands on a mask goes on in every state until its session ends."
	Register(to, states, n.states)
}

// Number is a mask as the API shows it.
type Number struct {
	Number   string        `json:"number" doc:"In the form of E.164, a short code as 44:60123."`
	Pool     string        `json:"pool,omitempty" doc:"That shares it out; none: no session gets it."`
	Kind     string        `json:"kind" enum:"long_code,short_code,toll_free"`
	Country  string        `json:"country,omitempty" doc:"ISO 3166; none: not known."`
	Region   string        `json:"region,omitempty"`
	Services string        `json:"services" enum:"sms,voice,sms+voice"`
	Carrier  string        `json:"carrier,omitempty" doc:"That hosts it; none: any."`
	Presents []string      `json:"presents,omitempty" nullable:"false" doc:"Other carriers through which it may be shown."`
	Cost     string        `json:"cost,omitempty" doc:"Per month, for your books."`
	Flags    []string      `json:"flags,omitempty" nullable:"false"`
	State    string        `json:"state" enum:"free,held,quarantined,watchlisted,draining,retired"`
	Since    time.Time     `json:"since" doc:"Of the state."`
	History  []NumberEvent `json:"history,omitempty" nullable:"false" doc:"What became of it, newest first; of one mask alone."`
}

// NumberEvent is a line of a mask's history.
type NumberEvent struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	Why   string    `json:"why,omitempty"`
	Actor string    `json:"actor" doc:"Who did it: edge, operator, or the id of a key."`
}

func numberOf(m *numberdb.Mask) Number {
	n := Number{
		Number: m.Number.Reveal(), Pool: m.Pool, Kind: m.Kind.String(), Country: m.Country, Region: m.Region, Services: m.Services.String(),
		Carrier: m.Carrier, Presents: m.Presents, Flags: m.Flags.Names(), State: m.State.String(), Since: m.Since.UTC(),
	}
	if m.Cost > 0 {
		n.Cost = numberdb.FormatMillionths(m.Cost)
	}
	return n
}

type listNumbersInput struct {
	Page
	Pool    string `query:"pool" maxLength:"64" doc:"Of this pool."`
	State   string `query:"state" enum:"free,held,quarantined,watchlisted,draining,retired" doc:"In this state."`
	Country string `query:"country" maxLength:"2" doc:"Of this country, such as GB."`
}

func (n *Numbers) list(ctx context.Context, in *listNumbersInput) (*Answer[List[Number]], error) {
	after, err := in.After()
	if err != nil {
		return nil, err
	}
	masks, err := n.Desk.Masks(ctx, api.NumberQuery{Pool: in.Pool, State: in.State, Country: in.Country})
	if err != nil {
		return nil, err
	}
	var from e164.Number
	if after != "" {
		if from, err = e164.ParseMask(after); err != nil {
			return nil, badCursor()
		}
	}
	return Answering(cut(masks, in.Limit, func(m *numberdb.Mask) bool { return m.Number > from }, numberOf,
		func(n *Number) string { return n.Number })), nil
}

type numberInput struct {
	Number string `path:"number" maxLength:"32" doc:"The mask, such as +442079460011 or 44:60123."`
}

func (n *Numbers) get(ctx context.Context, in *numberInput) (*Answer[Number], error) {
	if _, err := e164.ParseMask(in.Number); err != nil {
		return nil, problem.New(problem.NotFound)
	}
	masks, err := n.Desk.Masks(ctx, api.NumberQuery{Number: in.Number})
	if err != nil {
		return nil, err
	}
	history, err := n.Desk.History(ctx, masks[0].Number)
	if err != nil {
		return nil, err
	}
	out := numberOf(&masks[0])
	for _, e := range history {
		out.History = append(out.History, NumberEvent{At: e.At.UTC(), State: e.What.String(), Why: e.Why, Actor: e.Actor})
	}
	return Answering(out), nil
}

// mostMasks bounds one import; a CSV at the command line may hold more.
const mostMasks = 10_000

type importNumbersInput struct {
	Body struct {
		Pool    string       `json:"pool,omitempty" maxLength:"64" doc:"Of those that name none."`
		Numbers []NumberWish `json:"numbers" nullable:"false" minItems:"1" maxItems:"10000"`
	}
}

// NumberWish is a mask to add or to change.
type NumberWish struct {
	Number   string   `json:"number" maxLength:"32" doc:"7 to 15 digits from the country code on, or a short code as 44:60123."`
	Pool     string   `json:"pool,omitempty" maxLength:"64"`
	Kind     string   `json:"kind,omitempty" enum:"long_code,short_code,toll_free"`
	Country  string   `json:"country,omitempty" pattern:"^[A-Z]{2}$" patternDescription:"two capital letters of ISO 3166"`
	Region   string   `json:"region,omitempty" maxLength:"64"`
	Services string   `json:"services,omitempty" enum:"sms,voice,sms+voice"`
	Carrier  string   `json:"carrier,omitempty" maxLength:"64"`
	Presents []string `json:"presents,omitempty" nullable:"false" maxItems:"32"`
	Cost     string   `json:"cost,omitempty" maxLength:"20"`
	Flags    []string `json:"flags,omitempty" nullable:"false" maxItems:"8"`
	State    string   `json:"state,omitempty" enum:"free,held,quarantined,watchlisted,draining,retired"`
}

// Written says how many were written.
type Written struct {
	Written int `json:"written"`
}

// importing hands the masks on as the CSV of numbers import: one form, one check.
func (n *Numbers) importing(ctx context.Context, in *importNumbersInput) (*Answer[Written], error) {
	if len(in.Body.Numbers) > mostMasks {
		return nil, problem.Invalid("body.numbers", "expected at most 10,000")
	}
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write([]string{"number", "pool", "kind", "country", "region", "services", "carrier", "presents", "cost", "flags", "state"})
	for i := range in.Body.Numbers {
		m := &in.Body.Numbers[i]
		row := []string{
			m.Number, m.Pool, m.Kind, m.Country, m.Region, m.Services, m.Carrier, strings.Join(m.Presents, "|"), m.Cost, strings.Join(m.Flags, "|"), m.State,
		}
		for _, text := range row {
			if strings.ContainsAny(text, "\r\n") { // a row is a line, so that a fault of a line is that of a row
				return nil, problem.Invalid(fmt.Sprintf("body.numbers[%d]", i), "expected texts of one line")
			}
		}
		_ = w.Write(row)
	}
	w.Flush()
	who := auth.From(ctx)
	written, err := n.Desk.Import(ctx, &file, in.Body.Pool, who.Key)
	var faults *numberdb.Faults
	if errors.As(err, &faults) {
		p := problem.New(problem.ValidationFailed)
		for _, f := range faults.List {
			p.Fields = append(p.Fields, problem.Field{Field: fmt.Sprintf("body.numbers[%d]", f.Line-2), Problem: strings.TrimPrefix(f.Field+": "+f.Want, ": ")})
		}
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	return Answering(Written{written}), nil
}

type numberStatesInput struct {
	Body struct {
		Numbers []string `json:"numbers" nullable:"false" minItems:"1" maxItems:"10000"`
		State   string   `json:"state" enum:"free,watchlisted,draining,retired"`
		Why     string   `json:"why,omitempty" maxLength:"200" doc:"For the history, without numbers."`
	}
}

// Changed says how many were changed.
type Changed struct {
	Changed int `json:"changed"`
}

func (n *Numbers) states(ctx context.Context, in *numberStatesInput) (*Answer[Changed], error) {
	who := auth.From(ctx)
	changed, err := n.Desk.SetState(ctx, api.NumberStates{Numbers: in.Body.Numbers, State: in.Body.State, Why: in.Body.Why}, who.Key)
	if err != nil {
		return nil, err
	}
	return Answering(Changed{changed}), nil
}
