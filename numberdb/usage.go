package numberdb

import (
	"context"
	"errors"
	"time"
)

// Day is a day of UTC, counted from 1970-01-01.
type Day int32

// DayOf is the day of an instant.
func DayOf(t time.Time) Day { return Day(t.Unix() / secondsOfDay) }

const secondsOfDay = 24 * 60 * 60

// Start is the instant at which the day begins.
func (d Day) Start() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// String is the day as in 2026-11-22.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// Usage is what the traffic of a tenant came to on a day.
type Usage struct {
	Tenant   string // empty: the operator's own
	Day      Day
	Messages int64 // that a carrier or an end took; of long ones each segment
	Calls    int64 // that were answered
	Seconds  int64 // that they lasted
	Cost     int64 // of all, in millionths
}

// UsageQuery selects usage.
type UsageQuery struct {
	Tenant   string // AnyTenant: of all
	From, To Day    // both included
	Except   string // what this holder has counted is left out; empty: all is in
}

// UsageStore keeps what edges have counted.
type UsageStore interface {
	// PutUsage writes what a holder has counted of tenants and days so far, over what
	// it wrote before. A holder that begins to count anew has another name.
	PutUsage(ctx context.Context, holder string, rows []Usage) error

	// Usage sums what all holders have counted, by day and tenant in this order, at
	// most 10,000.
	Usage(ctx context.Context, query UsageQuery) ([]Usage, error)

	// ForgetUsage deletes what was counted on the days before one.
	ForgetUsage(ctx context.Context, before Day) error
}

// MostUsage bounds an answer of Usage.
const MostUsage = 10_000

// Check refuses what no store may hold.
func (u *Usage) Check() error {
	switch {
	case u.Tenant != "" && !isName(u.Tenant):
		return ErrTenant
	case u.Day < 0, min(u.Messages, u.Calls, u.Seconds, u.Cost) < 0:
		return errors.New("usage: expected no negative counts")
	}
	return nil
}
