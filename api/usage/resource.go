package usage

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/numberdb"
)

// Resource is /v1/usage.
type Resource struct {
	Meter *Meter
}

// Register adds the operation.
func (r *Resource) Register(api huma.API) {
	rest.Register(api, rest.Operation{
		ID: "readUsage", Method: http.MethodGet, Path: "/v1/usage", Summary: "Read what traffic came to, by day", Tag: "usage", Scope: auth.UsageRead,
		Text: "What carriers and ends took, of each day of UTC, a second or two behind. Keys of the operator read all tenants, or one.",
	}, r.get)
}

// Query selects days.
type Query struct {
	From   string `query:"from" format:"date" doc:"The first day, of UTC; none: 30 days before the last one."`
	To     string `query:"to" format:"date" doc:"The last day; none: today."`
	Tenant string `query:"tenant" maxLength:"64" doc:"Of this tenant; for the operator's keys."`
}

// Day is a day of a tenant.
type Day struct {
	Day      string `json:"day" format:"date" doc:"Of UTC."`
	Tenant   string `json:"tenant,omitempty" doc:"Whose traffic; none: the operator's own."`
	Messages int64  `json:"messages" doc:"Messages that were taken; of long ones each segment."`
	Calls    int64  `json:"calls" doc:"Calls that were answered."`
	Seconds  int64  `json:"seconds" doc:"How long they lasted."`
	Cost     string `json:"cost" doc:"By the costs of the carriers: a unit for each message, one for each minute begun."`
}

// Spending is what may be spent today.
type Spending struct {
	Limit string `json:"limit" doc:"In a day of UTC."`
	Spent string `json:"spent" doc:"Today, with what other edges have told."`
}

// Usage is the answer.
type Usage struct {
	Data  []Day     `json:"data" nullable:"false" doc:"In the order of days and tenants; at most 10,000."`
	Today *Spending `json:"today,omitempty" doc:"Where the tenant has a limit: tenants[].spend_day."`
}

const (
	usualDays = 30
	mostDays  = 400
	readTime  = 10 * time.Second
)

func (r *Resource) get(ctx context.Context, in *Query) (*rest.Answer[Usage], error) {
	who, now := auth.From(ctx), r.Meter.now()
	last, ok := dayOf(in.To, numberdb.DayOf(now))
	first, fine := dayOf(in.From, last-usualDays)
	if !ok || !fine || first > last || last-first > mostDays {
		return nil, problem.Invalid("query.from", "expected days as 2026-11-22, from before to, at most 400")
	}
	tenant := who.Scoped(in.Tenant)
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	rows, err := r.Meter.store.Usage(ctx, numberdb.UsageQuery{Tenant: tenant, From: first, To: last})
	if err != nil {
		return nil, err
	}
	out := Usage{Data: make([]Day, 0, len(rows)), Today: r.today(tenant, now)}
	for i := range rows {
		u := &rows[i]
		out.Data = append(out.Data, Day{
			Day: u.Day.String(), Tenant: u.Tenant, Messages: u.Messages, Calls: u.Calls, Seconds: u.Seconds, Cost: numberdb.FormatMillionths(u.Cost),
		})
	}
	return rest.Answering(out), nil
}

func (r *Resource) today(tenant string, now time.Time) *Spending {
	p := (*r.Meter.tenants.Load())[tenant]
	if p == nil || p.limit.Load() == 0 {
		return nil
	}
	return &Spending{
		Limit: numberdb.FormatMillionths(p.limit.Load()), Spent: numberdb.FormatMillionths(p.on(numberdb.DayOf(now)).spent()),
	}
}

// dayOf reads a day; an empty text is the usual one.
func dayOf(text string, usual numberdb.Day) (numberdb.Day, bool) {
	if text == "" {
		return max(usual, 0), true
	}
	t, err := time.Parse(time.DateOnly, text)
	return numberdb.DayOf(t), err == nil && t.Unix() >= 0 && t.Year() < 3000
}
